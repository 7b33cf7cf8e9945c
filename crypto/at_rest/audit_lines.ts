/**
 * The lines of an audit log: each a compact JWS `openred-audit+jwt` of the node's identity key, which names the SHA-256
 * of the line before, around the entries of one moment, sealed together with AES-256-GCM.
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
/** What the entries of one line may have together, as JSON in UTF-8; a longer entry has a line of its own. */
const MAX_TOGETHER_BYTES = 8_192;
const MAX_LINE_LENGTH = 32_768;
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

/** What is sealed of an entry, as JSON in UTF-8. */
function encodeEntry(parts: CoreParts, keys: AuditKeys, entry: AuditEntry): Uint8Array {
  const { timestamp, event, peer, success, fields } = entry;
  checkInteger(timestamp, MAX_DATE_MS, "a timestamp");
  const node_id = peer === null ? null : hashPeer(parts, keys, peer);
  const about = { timestamp, event, node_id, success };
  // First for who reads it, last so that no field can stand for one of them.
  const text = JSON.stringify({ ...about, ...fields, ...about });
  checkText(text, MAX_ENTRY_LENGTH, "an entry");
  return encodeUtf8(text);
}

/** The entries in their order, as many together as a line takes. */
function* together(entries: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let some: Uint8Array[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (some.length > 0 && bytes + entry.length > MAX_TOGETHER_BYTES) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(entry);
    bytes += entry.length;
  }
  if (some.length > 0) yield some;
}

/** A JSON list of entries. */
function listOf(entries: readonly Uint8Array[]): Uint8Array {
  const parts = entries.flatMap((entry, at) => [encodeUtf8(at === 0 ? "[" : ","), entry]);
  return concatBytes(...parts, encodeUtf8("]"));
}

/** Where entries stand. The AAD ties them to it, so that none can be shown as others. */
interface EntriesPlace {
  readonly iss: string;
  readonly number: number;
  /** `null` for a line of the former form, which has one entry. */
  readonly count: number | null;
}

function aadOf({ iss, number, count }: EntriesPlace): Uint8Array {
  return count === null ? enc(iss, number) : enc(iss, number, count);
}

/** The nonces are random. */
function sealEntries(
  parts: CoreParts,
  keys: AuditKeys,
  line: { place: EntriesPlace; entries: readonly Uint8Array[] },
): string {
  const nonce = parts.random(NONCE_BYTES);
  const { aes256Gcm } = parts.aeads;
  const sealed = aes256Gcm.seal(keys.entries, nonce, aadOf(line.place), listOf(line.entries));
  return encodeBase64Url(concatBytes(nonce, sealed));
}

function openEntries(
  parts: CoreParts,
  keys: AuditKeys,
  line: { place: EntriesPlace; sealed: string },
): string | null {
  const bytes = decodeBase64Url(line.sealed);
  if (bytes === null || bytes.length < NONCE_BYTES + TAG_BYTES) return null;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const box = bytes.subarray(NONCE_BYTES);
  const plain = parts.aeads.aes256Gcm.open(keys.entries, nonce, aadOf(line.place), box);
  if (plain === null) return null;
  return line.place.count === null ? `[${decodeUtf8(plain)}]` : decodeUtf8(plain);
}

function auditLines(
  parts: CoreParts,
  options: CallArgument<"auditLines">,
): { lines: Uint8Array; head: AuditPosition } {
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
  let { number: last, hash } = from;
  let lines = "";
  for (const some of together(entries.map((entry) => encodeEntry(parts, keys, entry)))) {
    const place = { iss, number: last + 1, count: some.length };
    const sealed = sealEntries(parts, keys, { place, entries: some });
    const line = sign({ v: 3, ...place, previous: hash, entries: sealed });
    hash = encodeBase64Url(parts.hashes.sha256(encodeUtf8(line)));
    last += some.length;
    lines += `${line}\n`;
  }
  const bytes = encodeUtf8(lines);
  const head = { number: last, hash, file: from.file, bytes: from.bytes + bytes.length };
  return { lines: bytes, head };
}

/** What a line says of its entries, in either form. */
function placeOf(
  payload: Readonly<Record<string, unknown>>,
): { place: EntriesPlace; sealed: string } | null {
  const { v, iss, number, count, entries, entry } = payload;
  if (v !== 3 || typeof iss !== "string" || !isNumber(number)) return null;
  if (typeof entry === "string" && entries === undefined) {
    return { place: { iss, number, count: null }, sealed: entry };
  }
  if (typeof entries !== "string" || !isNumber(count) || count > MAX_CALL_ITEMS) return null;
  return { place: { iss, number, count }, sealed: entries };
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
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
    const payload = parsePayload(part) ?? {};
    const { previous } = payload;
    const held = placeOf(payload);
    if (held === null || held.place.iss !== this.#iss) return null;
    if (typeof previous !== "string" || previous.length !== HASH_TEXT_LENGTH) return null;
    if (options.verify) {
      const input = encodeUtf8(`${header}.${part}`);
      if (!this.#verifier.verify(this.#publicKey, input, signature)) return null;
    }
    const { number, count } = held.place;
    return {
      number,
      last: number + (count ?? 1) - 1,
      previous,
      hash: encodeBase64Url(this.#parts.hashes.sha256(Buffer.from(line, "latin1"))),
      entries: options.open ? openEntries(this.#parts, this.#keys, held) : null,
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
