/**
 * An authenticator app, written for itself from RFC 4226 and RFC 6238.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { base32nopad } from "@scure/base";

/** The code that an app shows at a time. */
export function codeOf(secret: string, nowMs: number): Promise<string> {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(nowMs / 30_000)));
  const hash = createHmac("sha1", base32nopad.decode(secret)).update(
    new Uint8Array(counter.buffer),
  ).digest();
  const at = hash[19]! & 0x0f;
  const number = (hash.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000;
  return Promise.resolve(String(number).padStart(6, "0"));
}
