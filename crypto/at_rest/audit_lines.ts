/**
 * The lines of an audit log: each a compact JWS `openred-audit+jwt` of the node's identity key, around an entry
 * that is sealed with AES-256-GCM and names the SHA-256 of the line before.
 *
 * @module
 * @see docs/PROTOCOL.md, "Audit log"
 */
import { Buffer } from "node:buffer";
import { TAG_BYTES } from "../primitives/aead.ts";
import { wipe } from "../primitives/bytes.ts";
import type { CallArgument, CallTable } from "../bridge/calls.ts";
import { checkInteger, checkText, MAX_DATE_MS } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { Verifier } from "../primitives/curves.ts";
import {
  concatBytes,
  decodeBase64Url,
  decodeNodeId,
  decodeUtf8,
  enc,
  encodeBase64Url,
  encodeUtf8,
} from "../encoding.ts";
import {
  type AuditEntry,
  type AuditLine,
  type AuditPosition,
  CryptoError,
  MAX_CALL_ITEMS,
} from "../interface.ts";
import { type Held, IdentityKey } from "../keyring/keyring.ts";

const TYPE = "openred-audit+jwt";
const NONCE_BYTES = 12;
const HASH_TEXT_LENGTH = 43;
const MAX_ENTRY_LENGTH = 4096;
const MAX_LINE_LENGTH = 16_384;
const MAX_ID_LENGTH = 128;

/** The two keys of an audit log, 32 bytes each. */
export class AuditKeys implements Held {
  readonly entries: Uint8Array;
  readonly peers: Uint8Array;

  /** @param entries Seals entries. @param peers Hashes peers' ids. Both are this object's from here on. */
  constructor(entries: Uint8Array, peers: Uint8Array) {
    this.entries = entries;
    this.peers = peers;
  }

  wipe(): void {
    wipe(this.entries, this.peers);
  }
}

type AuditCalls = Pick<CallTable, "auditLines" | "readAuditLines" | "auditPeer">;

function encodeHeader(nodeId: string): string {
  return encodeBase64Url(encodeUtf8(JSON.stringify({ alg: "EdDSA", typ: TYPE, kid: nodeId })));
}

function checkPosition(position: AuditPosition): void {
  checkInteger(position.number, Number.MAX_SAFE_INTEGER - MAX_CALL_ITEMS, "a line's number");
  checkInteger(position.file, Number.MAX_SAFE_INTEGER, "a file's number");
  checkInteger(position.bytes, Number.MAX_SAFE_INTEGER, "a file's length");
  if (typeof position.hash !== "string" || decodeBase64Url(position.hash)?.length !== 32) {
    throw new CryptoError("bad_argument", "Expected a hash of 32 bytes as base64url");
  }
}

function checkCount(list: readonly unknown[]): void {
  if (Array.isArray(list) && list.length <= MAX_CALL_ITEMS) return;
  throw new CryptoError("bad_argument", `Expected at most ${MAX_CALL_ITEMS} lines`);
}

function hashPeer(parts: CoreParts, keys: AuditKeys, peer: string): string {
  checkText(peer, MAX_ID_LENGTH, "an id");
  return encodeBase64Url(parts.hashes.hmacSha256(keys.peers, encodeUtf8(peer)));
}

/** The nonces are random; the AAD ties an entry to its place, so that none can be shown as another. */
function sealEntry(
  parts: CoreParts,
  keys: AuditKeys,
  line: { iss: string; number: number; entry: AuditEntry },
): string {
  const { timestamp, event, peer, success, fields } = line.entry;
  checkInteger(timestamp, MAX_DATE_MS, "a timestamp");
  const node_id = peer === null ? null : hashPeer(parts, keys, peer);
  const about = { timestamp, event, node_id, success };
  // First for who reads it, last so that no field can stand for one of them.
  const text = JSON.stringify({ ...about, ...fields, ...about });
  checkText(text, MAX_ENTRY_LENGTH, "an entry");
  const nonce = parts.random(NONCE_BYTES);
  const aad = enc(line.iss, line.number);
  const sealed = parts.aeads.aes256Gcm.seal(keys.entries, nonce, aad, encodeUtf8(text));
  return encodeBase64Url(concatBytes(nonce, sealed));
}

function openEntry(
  parts: CoreParts,
  keys: AuditKeys,
  line: { iss: string; number: number; entry: string },
): string | null {
  const bytes = decodeBase64Url(line.entry);
  if (bytes === null || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const aad = enc(line.iss, line.number);
  const plain = parts.aeads.aes256Gcm.open(keys.entries, nonce, aad, bytes.subarray(NONCE_BYTES));
  return plain === null ? null : decodeUtf8(plain);
}

function auditLines(
  parts: CoreParts,
  options: CallArgument<"auditLines">,
): { lines: Uint8Array; head: AuditPosition; statement: string } {
  const { from, entries } = options;
  checkPosition(from);
  checkCount(entries);
  const { key, nodeId: iss } = parts.ring.get(options.key, IdentityKey);
  const keys = parts.ring.get(options.log, AuditKeys);
  const header = encodeHeader(iss);
  const sign = (payload: unknown) => {
    const input = `${header}.${encodeBase64Url(encodeUtf8(JSON.stringify(payload)))}`;
    return `${input}.${encodeBase64Url(key.sign(encodeUtf8(input)))}`;
  };
  let { number, hash } = from;
  const lines = entries.map((entry) => {
    number += 1;
    const sealed = sealEntry(parts, keys, { iss, number, entry });
    const line = sign({ v: 3, iss, number, previous: hash, entry: sealed });
    hash = encodeBase64Url(parts.hashes.sha256(encodeUtf8(line)));
    return `${line}\n`;
  });
  const bytes = encodeUtf8(lines.join(""));
  const head = { number, hash, file: from.file, bytes: from.bytes + bytes.length };
  return { lines: bytes, head, statement: sign({ v: 3, iss, head }) };
}

function parsePayload(part: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(decodeUtf8(decodeBase64Url(part) ?? new Uint8Array()));
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : null;
  } catch {
    return null;
  }
}

/** Reads the lines of one log. */
class LineReader {
  readonly #parts: CoreParts;
  readonly #keys: AuditKeys;
  readonly #iss: string;
  readonly #header: string;
  readonly #publicKey: Uint8Array;
  readonly #verifier: Verifier;

  constructor(parts: CoreParts, options: { keys: AuditKeys; iss: string; verifier: Verifier }) {
    this.#parts = parts;
    this.#keys = options.keys;
    this.#iss = options.iss;
    this.#verifier = options.verifier;
    this.#header = encodeHeader(options.iss);
    const publicKey = decodeNodeId(options.iss);
    if (publicKey === null) throw new CryptoError("bad_argument", "Expected a node id");
    this.#publicKey = publicKey;
  }

  read(line: string, options: { verify: boolean; open: boolean }): AuditLine | null {
    if (typeof line !== "string" || line.length > MAX_LINE_LENGTH) return null;
    const [header, part, signaturePart, ...more] = line.split(".", 4);
    if (header !== this.#header || part === undefined || more.length > 0) return null;
    const signature = decodeBase64Url(signaturePart ?? "");
    if (signature?.length !== 64) return null;
    const { v, iss, number, previous, entry } = parsePayload(part) ?? {};
    if (v !== 3 || iss !== this.#iss || !Number.isSafeInteger(number)) return null;
    if (typeof previous !== "string" || previous.length !== HASH_TEXT_LENGTH) return null;
    if (typeof entry !== "string") return null;
    if (options.verify) {
      const input = encodeUtf8(`${header}.${part}`);
      if (!this.#verifier.verify(this.#publicKey, input, signature)) return null;
    }
    const place = { iss: this.#iss, number: number as number, entry };
    return {
      number: number as number,
      previous,
      hash: encodeBase64Url(this.#parts.hashes.sha256(Buffer.from(line, "latin1"))),
      entry: options.open ? openEntry(this.#parts, this.#keys, place) : null,
    };
  }
}

export function createAuditCalls(parts: CoreParts): AuditCalls {
  const verifier = new Verifier();
  return {
    auditLines: (options) => auditLines(parts, options),
    readAuditLines: ({ log, iss, lines, verify, open }) => {
      checkCount(lines);
      checkText(iss, MAX_ID_LENGTH, "an id");
      const keys = parts.ring.get(log, AuditKeys);
      const reader = new LineReader(parts, { keys, iss, verifier });
      return lines.map((line) => reader.read(line, { verify, open }));
    },
    auditPeer: ({ log, peer }) => hashPeer(parts, parts.ring.get(log, AuditKeys), peer),
  };
}
