/**
 * Keys of directories that take invited nodes only: how a node shows that it holds one (docs/PROTOCOL.md, "Keys").
 *
 * @module
 */
import * as v from "valibot";
import { enc, encodeBase64Url, type NodeId } from "../crypto/encoding.ts";
import { decodeBase32, encodeBase32 } from "./base32.ts";
import { bytesSchema } from "./schemas.ts";
import { isMac, MAC_BYTES, makeMac, secretId, secretIdSchema } from "./shown_secret.ts";

export const DIRECTORY_KEY_BYTES = 16;

const LABEL = "openred/v3/directory-key";
const PREFIX = "openred-key-";

/** What a file of keys may have. */
export const MAX_KEY_FILE_BYTES = 16_384;

/** Why a key lets nobody in. */
export type KeyRefusal = "unknown" | "revoked" | "expired" | "used";

/** The member `key` of a registration. */
export const shownKeySchema = v.looseObject({
  id: secretIdSchema,
  mac: bytesSchema(MAC_BYTES),
});
export type ShownKey = v.InferOutput<typeof shownKeySchema>;

/** Writes a key as people pass it on. @param secret 16 bytes. */
export function formatDirectoryKey(secret: Uint8Array): string {
  return PREFIX + encodeBase32(secret);
}

/** Reads one, in letters of either case. @returns 16 bytes, or `null` for text that is none. */
export function parseDirectoryKey(text: string): Uint8Array<ArrayBuffer> | null {
  const lower = text.toLowerCase();
  if (!lower.startsWith(PREFIX)) return null;
  const secret = decodeBase32(lower.slice(PREFIX.length));
  return secret?.length === DIRECTORY_KEY_BYTES ? secret : null;
}

/** A line of a file of keys; `url`: the directory that it is for, `null` where it is for any. */
export interface KeyLine {
  readonly url: string | null;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a file of keys: on each line a key, or the URL of a directory and its key; `#` begins a remark.
 * @returns `null` where a line is anything else, or there is none.
 */
export function parseKeyLines(text: string): readonly KeyLine[] | null {
  const lines: KeyLine[] = [];
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]!.startsWith("#")) continue;
    const secret = parseDirectoryKey(words.at(-1)!);
    if (secret === null || words.length > 2) return null;
    lines.push({ url: words.length === 2 ? words[0]! : null, secret });
  }
  return lines.length === 0 ? null : lines;
}

/** The key for a directory: the one that names it, otherwise the first that names none. */
export function keyForDirectory(
  lines: readonly KeyLine[],
  url: string,
): Uint8Array<ArrayBuffer> | null {
  const line = lines.find((one) => one.url === url) ?? lines.find((one) => one.url === null);
  return line?.secret ?? null;
}

/** Shows that `node` holds a key, which is not sent itself. @returns The member `key` of its registration. */
export async function showDirectoryKey(
  secret: Uint8Array<ArrayBuffer>,
  node: NodeId,
): Promise<{ readonly id: string; readonly mac: string }> {
  const mac = await makeMac(secret, enc(LABEL, node));
  return { id: await secretId(secret), mac: encodeBase64Url(mac) };
}

/** Whether `node` holds the key. Takes the same time for every wrong `mac`. */
export async function isShownBy(
  secret: Uint8Array<ArrayBuffer>,
  { node, mac }: { readonly node: NodeId; readonly mac: Uint8Array },
): Promise<boolean> {
  return await isMac(secret, { mac, content: enc(LABEL, node) });
}
