/**
 * Encodings and hashes of DESIGN §3, written from that page alone: nothing of the house is imported
 * here, so that a misreading in `crypto/` cannot hide behind the same misreading in its test.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash, createHmac, randomBytes as nodeRandomBytes } from "node:crypto";
import { createBLAKE3 } from "hash-wasm";

export type Bytes = Uint8Array<ArrayBuffer>;

/** One item of {@linkcode enc}: text, an integer, or raw bytes. */
export type Item = string | number | Uint8Array;

const STREAM_BYTES = 320;
const wideBlake3 = await createBLAKE3(STREAM_BYTES * 8);

export function utf8(text: string): Bytes {
  return Uint8Array.from(new TextEncoder().encode(text));
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A big-endian unsigned integer of `width` bytes. */
export function bigEndian(value: number, width: number): Bytes {
  const wide = new DataView(new ArrayBuffer(8));
  wide.setBigUint64(0, BigInt(value));
  return new Uint8Array(wide.buffer).slice(8 - width);
}

export function enc(...items: readonly Item[]): Bytes {
  return concat(...items.flatMap((item) => {
    const raw = typeof item === "string"
      ? utf8(item)
      : typeof item === "number"
      ? bigEndian(item, 8)
      : item;
    return [bigEndian(raw.length, 4), raw];
  }));
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function unhex(text: string): Bytes {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

export function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** @throws {Error} When the text does not encode back to itself. */
export function unbase64Url(text: unknown): Bytes {
  const bytes = Uint8Array.from(Buffer.from(String(text), "base64url"));
  if (base64Url(bytes) !== text) throw new Error("Not canonical base64url");
  return bytes;
}

export function randomBytes(length: number): Bytes {
  return Uint8Array.from(nodeRandomBytes(length));
}

export function sha256(...parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(createHash("sha256").update(concat(...parts)).digest());
}

export function hmac(key: Uint8Array, data: Uint8Array): Bytes {
  return Uint8Array.from(createHmac("sha256", key).update(data).digest());
}

/** HKDF-Expand of RFC 5869 over SHA-256. */
export function hkdfExpand(prk: Uint8Array, info: Uint8Array, length: number): Bytes {
  let block: Bytes = new Uint8Array();
  let out: Bytes = new Uint8Array();
  for (let n = 1; out.length < length; n++) {
    block = hmac(prk, concat(block, info, Uint8Array.of(n)));
    out = concat(out, block);
  }
  return out.slice(0, length);
}

/** The 320 bytes of BLAKE3 output a token is made with. */
export function blake3Stream(data: Uint8Array): Bytes {
  return Uint8Array.from(wideBlake3.init().update(data).digest("binary"));
}
