/**
 * Successions inside of groups: shown with what the new key signs, so that nobody has to have met both.
 *
 * @module
 */
import * as v from "valibot";
import { decodeNodeId, encodeBase64Url, type NodeId } from "../../../../crypto/encoding.ts";
import type { ModuleSignatures } from "../../../../modules/api.ts";
import { unverifiedPayload } from "../../../../protocol/jws.ts";
import {
  integerSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
} from "../../../../protocol/schemas.ts";
import { hashSchema, malformed } from "./fields.ts";

const linkSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  old: nodeIdSchema,
  iat: integerSchema,
  next: v.optional(hashSchema),
  must: v.optional(namesSchema),
});

/** Keys that followed each other, as far as the texts show: what pins the first of them has to be asked elsewhere. */
export interface KeyLine {
  /** The successions, as they were signed. */
  readonly texts: readonly string[];
  /** Oldest first: the one that was followed, and the signer last. */
  readonly keys: readonly NodeId[];
  /** SHA-256 of the first key that followed: what has to have been pinned for the oldest. */
  readonly pin: string;
  /** What the last key has pinned for the one that may follow it. */
  readonly next: string | null;
}

/** The identity that a succession of this node follows. */
export function oldOf(text: string): NodeId {
  return (unverifiedPayload(text) as { old: NodeId }).old;
}

/**
 * Reads successions that lead to a signer.
 * @throws {OpenRedError} `bad_request`, `unsupported` or `bad_signature`; `bad_request` too where one does not follow
 *   from the one before, or the last is not of the signer.
 */
export async function openKeyLine(
  signatures: Pick<ModuleSignatures, "verify" | "sha256">,
  options: { readonly texts: readonly string[]; readonly iss: NodeId },
): Promise<KeyLine> {
  const links = options.texts.map((text) => parseGrowing(linkSchema, unverifiedPayload(text)));
  const keys = [links[0]!.old, ...links.map(({ iss }) => iss)];
  for (const [at, { old }] of links.entries()) {
    if (old !== keys[at]) throw malformed("The successions do not follow each other");
  }
  if (keys.at(-1) !== options.iss) throw malformed("The successions lead to another key");
  await Promise.all(
    options.texts.map((text) => signatures.verify("openred-succession+jwt", text)),
  );
  const hashes = await Promise.all(links.map(async ({ iss }) => {
    return encodeBase64Url(await signatures.sha256(decodeNodeId(iss)!));
  }));
  for (const [at, hash] of hashes.entries()) {
    if (at > 0 && links[at - 1]!.next !== hash) {
      throw malformed("A key of the successions was not pinned");
    }
  }
  return { texts: options.texts, keys, pin: hashes[0]!, next: links.at(-1)!.next ?? null };
}
