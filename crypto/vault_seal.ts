/**
 * The sealed part of a token vault's line: base64 of nonce(12) ‖ ciphertext ‖ tag(16), AES-256-GCM
 * under the vault key, the AAD being the line's name.
 *
 * @module
 * @see docs/PROTOCOL.md, "Keys at rest"
 */
import { Buffer } from "node:buffer";
import { TAG_BYTES } from "./aead.ts";
import { wipe } from "./bytes.ts";
import type { CallTable } from "./calls.ts";
import { checkText } from "./checks.ts";
import type { CoreParts } from "./core_parts.ts";
import { concatBytes, decodeUtf8, enc, encodeUtf8 } from "./encoding.ts";
import { Half } from "./half.ts";
import { CryptoError, type OpenedLine, type StoredHalf } from "./interface.ts";
import { VaultKey } from "./keyring.ts";

const NONCE_BYTES = 12;
const HALF_LABEL = "openred/v3/vault-half";
const NOTE_LABEL = "openred/v3/vault-note";
/** How a note begins: its label as `enc` writes it. */
const NOTE_HEAD = enc(NOTE_LABEL);
const MAX_NAME_LENGTH = 256;
const MAX_META_LENGTH = 2 ** 16;
const MAX_SEALED_LENGTH = 2 ** 19;

/** What one call may open, so that others get their turn. */
const MAX_LINES = 4_096;

type VaultCalls = Pick<
  CallTable,
  "sealHalf" | "openHalf" | "sealNote" | "openNote" | "openLines"
>;

function refuse(): never {
  throw new CryptoError("unseal_failed", "The vault line does not open");
}

function sealLine(
  parts: CoreParts,
  options: { key: VaultKey; name: string; plain: Uint8Array },
): string {
  const { key, name, plain } = options;
  checkText(name, MAX_NAME_LENGTH, "a line's name");
  const nonce = parts.random(NONCE_BYTES);
  const sealed = parts.aeads.aes256Gcm.seal(key.bytes, nonce, encodeUtf8(name), plain);
  wipe(plain);
  return Buffer.from(concatBytes(nonce, sealed)).toString("base64");
}

function openLine(
  parts: CoreParts,
  options: { key: VaultKey; name: string; sealed: string },
): Uint8Array {
  const { key, name, sealed } = options;
  checkText(name, MAX_NAME_LENGTH, "a line's name");
  checkText(sealed, MAX_SEALED_LENGTH, "a sealed line");
  const bytes = Buffer.from(sealed, "base64");
  if (bytes.toString("base64") !== sealed || bytes.length < NONCE_BYTES + TAG_BYTES) refuse();
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const box = bytes.subarray(NONCE_BYTES);
  return parts.aeads.aes256Gcm.open(key.bytes, nonce, encodeUtf8(name), box) ?? refuse();
}

/** Splits an `enc(…)` of exactly `count` items, the first being `label`; returns the others. */
function splitItems(
  bytes: Uint8Array,
  options: { label: string; count: number },
): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at) : Infinity;
    if (end > bytes.length) refuse();
    items.push(bytes.subarray(at + 4, end));
    at = end;
  }
  const [label, ...others] = items;
  if (label === undefined || decodeUtf8(label) !== options.label) refuse();
  return others.length === options.count ? others : refuse();
}

function decodeInteger(bytes: Uint8Array): number {
  if (bytes.length !== 8) refuse();
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
}

function encodeHalf(half: Half, meta: string): Uint8Array {
  const { issuer, pairId, idA, idB, method, issuedAt, expiresAt, role } = half.info;
  const about = [issuer, pairId, idA, idB, method, issuedAt, expiresAt, role];
  return enc(HALF_LABEL, ...about, half.token, half.peerSalt, half.check, meta);
}

function decodeHalf(plain: Uint8Array): { half: Half; meta: string } {
  const items = splitItems(plain, { label: HALF_LABEL, count: 12 });
  const role = decodeUtf8(items[7]!);
  if (role !== "initiator" && role !== "responder") refuse();
  const half = new Half({
    issuer: decodeUtf8(items[0]!),
    pairId: items[1]!,
    idA: decodeUtf8(items[2]!),
    idB: decodeUtf8(items[3]!),
    method: decodeUtf8(items[4]!),
    issuedAt: decodeInteger(items[5]!),
    expiresAt: decodeInteger(items[6]!),
    role,
  }, { token: items[8]!, peerSalt: items[9]!, check: items[10]! });
  return { half, meta: decodeUtf8(items[11]!) };
}

function openHalf(
  parts: CoreParts,
  options: Parameters<CallTable["openHalf"]>[0],
): StoredHalf & { readonly meta: string } {
  const key = parts.ring.get(options.vault, VaultKey);
  const plain = openLine(parts, { key, name: options.name, sealed: options.sealed });
  try {
    const { half, meta } = decodeHalf(plain);
    return { half: parts.ring.add(half), info: half.describe(), meta };
  } finally {
    wipe(plain);
  }
}

function openNote(parts: CoreParts, options: Parameters<CallTable["openNote"]>[0]): string {
  const key = parts.ring.get(options.vault, VaultKey);
  const plain = openLine(parts, { key, name: options.name, sealed: options.sealed });
  const [note] = splitItems(plain, { label: NOTE_LABEL, count: 1 });
  return decodeUtf8(note!);
}

function isNote(plain: Uint8Array): boolean {
  return NOTE_HEAD.every((byte, at) => plain[at] === byte);
}

function openEither(
  parts: CoreParts,
  line: { key: VaultKey; name: string; sealed: string },
): OpenedLine {
  const plain = openLine(parts, line);
  try {
    if (isNote(plain)) {
      const [note] = splitItems(plain, { label: NOTE_LABEL, count: 1 });
      return { half: null, info: null, meta: decodeUtf8(note!) };
    }
    const { half, meta } = decodeHalf(plain);
    return { half: parts.ring.add(half), info: half.describe(), meta };
  } finally {
    wipe(plain);
  }
}

function openLines(
  parts: CoreParts,
  options: Parameters<CallTable["openLines"]>[0],
): (OpenedLine | null)[] {
  const key = parts.ring.get(options.vault, VaultKey);
  if (!Array.isArray(options.lines) || options.lines.length > MAX_LINES) {
    throw new CryptoError("bad_argument", `Expected at most ${MAX_LINES} lines`);
  }
  return options.lines.map(({ name, sealed }) => {
    try {
      return openEither(parts, { key, name, sealed });
    } catch (error) {
      if (error instanceof CryptoError && error.code === "unseal_failed") return null;
      throw error;
    }
  });
}

export function createVaultCalls(parts: CoreParts): VaultCalls {
  return {
    sealHalf: ({ vault, half, name, meta }) => {
      const key = parts.ring.get(vault, VaultKey);
      checkText(meta, MAX_META_LENGTH, "meta");
      const plain = encodeHalf(parts.ring.get(half, Half), meta);
      return sealLine(parts, { key, name, plain });
    },
    openHalf: (options) => openHalf(parts, options),
    sealNote: ({ vault, name, note }) => {
      const key = parts.ring.get(vault, VaultKey);
      checkText(note, MAX_META_LENGTH, "a note");
      return sealLine(parts, { key, name, plain: enc(NOTE_LABEL, note) });
    },
    openNote: (options) => openNote(parts, options),
    openLines: (options) => openLines(parts, options),
  };
}
