/**
 * The sealed part of a token vault's line: base64 of nonce(12) ‖ ciphertext ‖ tag(16), AES-256-GCM
 * under the vault key, the AAD being the line's name.
 *
 * @module
 * @see docs/PROTOCOL.md, "Token vault"
 */
import { Buffer } from "node:buffer";
import { TAG_BYTES } from "../primitives/aead.ts";
import { wipe } from "../primitives/bytes.ts";
import type { CallTable } from "../bridge/calls.ts";
import { checkText } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { EncReader } from "../primitives/enc_reader.ts";
import { concatBytes, enc, encodeUtf8 } from "../encoding.ts";
import { Half } from "../pairs/half.ts";
import {
  CryptoError,
  type KeyRef,
  MAX_CALL_ITEMS,
  type OpenedLine,
  type StoredHalf,
  type VaultLineContent,
} from "../interface.ts";
import { VaultKey } from "../keyring/keyring.ts";
import { decodeSet, encodeSet, SET_LABEL } from "./vault_set.ts";

const NONCE_BYTES = 12;
const HALF_LABEL = "openred/v3/vault-half";
const NOTE_LABEL = "openred/v3/vault-note";
const MAX_NAME_LENGTH = 256;
const MAX_META_LENGTH = 2 ** 16;
const MAX_SEALED_LENGTH = 2 ** 19;

type VaultCalls = Pick<CallTable, "sealLines" | "openLines">;

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

function encodeHalf(half: Half, meta: string): Uint8Array {
  const { issuer, pairId, idA, idB, method, issuedAt, expiresAt, role } = half.info;
  const about = [issuer, pairId, idA, idB, method, issuedAt, expiresAt, role];
  return enc(HALF_LABEL, ...about, half.token, half.peerSalt, half.check, meta);
}

function decodeHalf(reader: EncReader): { half: Half; meta: string } {
  const issuer = reader.text();
  const pairId = reader.bytes();
  const [idA, idB, method] = [reader.text(), reader.text(), reader.text()];
  const [issuedAt, expiresAt] = [reader.integer(), reader.integer()];
  const role = reader.text();
  if (role !== "initiator" && role !== "responder") refuse();
  const half = Half.from(
    { issuer, pairId, idA, idB, method, issuedAt, expiresAt, role },
    { token: reader.bytes(), peerSalt: reader.bytes(), check: reader.bytes() },
  );
  return { half, meta: reader.text() };
}

function readHalf(parts: CoreParts, reader: EncReader): OpenedLine {
  const { half, meta } = decodeHalf(reader);
  if (!reader.atEnd) refuse();
  return { halves: [{ ...store(parts, half), index: null }], meta };
}

function readSet(parts: CoreParts, reader: EncReader): OpenedLine {
  const { set, meta } = decodeSet(reader);
  return { halves: set.map(({ half, index }) => ({ ...store(parts, half), index })), meta };
}

function store(parts: CoreParts, half: Half): StoredHalf {
  return { half: parts.ring.add(half), info: half.describe() };
}

/**
 * Opens a line and reads what is in it.
 * @throws {CryptoError} `unseal_failed`, also for what another version of this program may have sealed.
 */
function readLine(
  parts: CoreParts,
  { vault, name, sealed }: { vault: KeyRef; name: string; sealed: string },
): OpenedLine {
  const key = parts.ring.get(vault, VaultKey);
  const plain = openLine(parts, { key, name, sealed });
  let isKept = false;
  try {
    const reader = new EncReader(plain);
    const label = reader.text();
    if (label === SET_LABEL) {
      const line = readSet(parts, reader);
      isKept = true;
      return line;
    }
    if (label === HALF_LABEL) return readHalf(parts, reader);
    return label === NOTE_LABEL ? { halves: [], meta: reader.text() } : refuse();
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) refuse();
    throw error;
  } finally {
    if (!isKept) wipe(plain);
  }
}

function encodeContent(parts: CoreParts, { half, set, meta }: VaultLineContent): Uint8Array {
  checkText(meta, MAX_META_LENGTH, "meta");
  if (half !== undefined) return encodeHalf(parts.ring.get(half, Half), meta);
  if (set === undefined) return enc(NOTE_LABEL, meta);
  const placed = set.map(({ half, index }) => ({ half: parts.ring.get(half, Half), index }));
  return encodeSet(placed, meta);
}

function checkLines(lines: readonly unknown[]): void {
  if (Array.isArray(lines) && lines.length <= MAX_CALL_ITEMS) return;
  throw new CryptoError("bad_argument", `Expected at most ${MAX_CALL_ITEMS} lines`);
}

function openLines(
  parts: CoreParts,
  options: Parameters<CallTable["openLines"]>[0],
): (OpenedLine | null)[] {
  const { vault } = options;
  checkLines(options.lines);
  return options.lines.map(({ name, sealed }) => {
    try {
      return readLine(parts, { vault, name, sealed });
    } catch (error) {
      if (error instanceof CryptoError && error.code === "unseal_failed") return null;
      throw error;
    }
  });
}

export function createVaultCalls(parts: CoreParts): VaultCalls {
  return {
    sealLines: ({ vault, lines }) => {
      const key = parts.ring.get(vault, VaultKey);
      checkLines(lines);
      return lines.map((line) =>
        sealLine(parts, { key, name: line.name, plain: encodeContent(parts, line) })
      );
    },
    openLines: (options) => openLines(parts, options),
  };
}
