/**
 * The pure encodings that both the crypto core and the wire formats use: `enc`, strict base64url
 * and node ids. The only file of `crypto/` that `protocol/` imports.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { base58 } from "@scure/base";

/** One item of {@linkcode enc}: raw bytes, UTF-8 text, or an integer below 2⁵³ (8 bytes). */
export type EncItem = Uint8Array | string | number;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** Encodes text as UTF-8. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text) as Uint8Array<ArrayBuffer>;
}

/**
 * Decodes UTF-8, refusing malformed input; a byte order mark is kept as text.
 * @throws {TypeError} On bytes that are not UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  return strictUtf8.decode(bytes);
}

/** Text that is copied into its place by itself: an array of its own costs as much as sixty characters. */
const SHORT_ASCII = /^[\0-\x7f]{0,64}$/;

/** Checks a number; other text than short ASCII becomes bytes. */
function prepareItem(item: EncItem): EncItem {
  if (typeof item === "string") return SHORT_ASCII.test(item) ? item : utf8.encode(item);
  if (typeof item !== "number" || Number.isSafeInteger(item) && item >= 0) return item;
  throw new RangeError("Cannot encode a number that is not an integer from 0 to 2^53 - 1");
}

function setUint32(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value >>> 24;
  target[offset + 1] = value >>> 16;
  target[offset + 2] = value >>> 8;
  target[offset + 3] = value;
}

function setItem(target: Uint8Array, offset: number, item: EncItem): void {
  if (typeof item === "string") {
    for (let at = 0; at < item.length; at++) target[offset + at] = item.charCodeAt(at);
  } else if (typeof item === "number") {
    setUint32(target, offset, Math.floor(item / 2 ** 32));
    setUint32(target, offset + 4, item >>> 0);
  } else target.set(item, offset);
}

/** Joins byte strings into a new one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/**
 * `enc(x₁, …, xₙ)`: each item's length as 4 bytes big-endian, then its bytes.
 * @throws {RangeError} On a number that is not an integer from 0 to 2⁵³ − 1.
 * @see docs/PROTOCOL.md, "Bytes"
 */
export function enc(...items: readonly EncItem[]): Uint8Array<ArrayBuffer> {
  const prepared = items.map(prepareItem);
  const lengthOf = (item: EncItem) => typeof item === "number" ? 8 : item.length;
  let length = 4 * prepared.length;
  for (const item of prepared) length += lengthOf(item);
  const encoded = new Uint8Array(length);
  let offset = 0;
  for (const item of prepared) {
    setUint32(encoded, offset, lengthOf(item));
    setItem(encoded, offset + 4, item);
    offset += 4 + lengthOf(item);
  }
  return encoded;
}

/** Encodes bytes as base64url without padding (RFC 4648 §5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/**
 * Decodes base64url without padding, refusing any text that does not re-encode to itself.
 * @returns The bytes, or `null` for text that is not strict base64url.
 */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return null;
  const decoded = Buffer.from(text, "base64url");
  if (decoded.toString("base64url") !== text) return null;
  return new Uint8Array(decoded);
}

/** A node id: `z` ‖ base58btc(0xed 0x01 ‖ Ed25519 public key), checked. */
export type NodeId = string & { readonly __nodeId: true };

const MULTICODEC_ED25519 = [0xed, 0x01] as const;

/** The seven y-encodings of small-order Ed25519 points, hex, sign bit cleared. */
const SMALL_ORDER_KEYS: ReadonlySet<string> = new Set([
  "00".repeat(32),
  "01" + "00".repeat(31),
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ec" + "ff".repeat(30) + "7f",
  "ed" + "ff".repeat(30) + "7f",
  "ee" + "ff".repeat(30) + "7f",
]);

/**
 * Tells whether a 32-byte Ed25519 public key is of small order. With such a key, anybody's
 * signature verifies.
 */
export function isSmallOrderKey(publicKey: Uint8Array): boolean {
  const cleared = Buffer.from(publicKey);
  cleared[31] = cleared[31]! & 0x7f;
  return SMALL_ORDER_KEYS.has(cleared.toString("hex"));
}

/**
 * Writes the node id of an Ed25519 public key.
 * @throws {RangeError} On a key that is not 32 bytes, or is of small order.
 */
export function encodeNodeId(publicKey: Uint8Array): NodeId {
  if (publicKey.length !== 32) {
    throw new RangeError(`Expected a public key of 32 bytes, received ${publicKey.length}`);
  }
  if (isSmallOrderKey(publicKey)) throw new RangeError("Cannot use a key of small order");
  const bytes = new Uint8Array(34);
  bytes.set(MULTICODEC_ED25519);
  bytes.set(publicKey, 2);
  return ("z" + base58.encode(bytes)) as NodeId;
}

/** Longest text {@linkcode decodeNodeId} looks at; base58 takes quadratic time. */
const MAX_NODE_ID_LENGTH = 64;

/**
 * Reads the 32-byte Ed25519 public key out of a node id.
 * @returns The key, or `null` if the text is not a node id in its one valid form.
 * @see docs/PROTOCOL.md, "Identity"
 */
export function decodeNodeId(text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length > MAX_NODE_ID_LENGTH || !/^z[1-9A-HJ-NP-Za-km-z]+$/.test(text)) return null;
  const bytes = base58.decode(text.slice(1));
  if (bytes.length !== 34) return null;
  if (bytes[0] !== MULTICODEC_ED25519[0] || bytes[1] !== MULTICODEC_ED25519[1]) return null;
  const publicKey = new Uint8Array(bytes.subarray(2));
  // Base58 without a leading "1" has one text for each value, and 0xed never leads with one.
  return isSmallOrderKey(publicKey) ? null : publicKey;
}

function nodeIdOf(publicKey: Uint8Array): string {
  return "z" + base58.encode(concatBytes(new Uint8Array(MULTICODEC_ED25519), publicKey));
}

/** Base58 keeps the order of numbers of one length, and all ids are of one length. */
const FIRST_NODE_ID = nodeIdOf(new Uint8Array(32));
const LAST_NODE_ID = nodeIdOf(new Uint8Array(32).fill(0xff));

/** Both signs of each. */
const SMALL_ORDER_IDS: ReadonlySet<string> = new Set(
  [...SMALL_ORDER_KEYS].flatMap((hex) => {
    const key = Buffer.from(hex, "hex");
    const negative = Buffer.from(key);
    negative[31] = negative[31]! | 0x80;
    return [nodeIdOf(key), nodeIdOf(negative)];
  }),
);

/** Tells whether a text is a node id in its one valid form: what {@linkcode decodeNodeId} can read, without reading it. */
export function isNodeId(text: string): text is NodeId {
  return text.length === FIRST_NODE_ID.length && text >= FIRST_NODE_ID && text <= LAST_NODE_ID &&
    /^[1-9A-HJ-NP-Za-km-z]+$/.test(text) && !SMALL_ORDER_IDS.has(text);
}
