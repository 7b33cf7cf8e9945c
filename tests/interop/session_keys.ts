/**
 * Key schedule, ratchet and frames of DESIGN §6, from that page alone.
 *
 * @module
 */
import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { bigEndian, type Bytes, concat, enc, hkdfExpand, hmac, textOf, utf8 } from "./bytes.ts";
import type { Json } from "./identity.ts";
import type { Finished } from "./noise.ts";
import { METHODS } from "./tokens.ts";

const HEADER_BYTES = 29;

/** What both sides of a session derive. */
export interface SessionKeys {
  readonly aToB: Bytes;
  readonly bToA: Bytes;
  readonly sessionId: Bytes;
  readonly binding: Bytes;
}

export function extractPrk(done: Finished, root: Bytes, kem: Bytes): Bytes {
  return hmac(done.h, concat(done.k1, done.k2, root, kem));
}

export function sessionKeys(
  prk: Bytes,
  pair: { readonly suite: string; readonly pairId: Bytes; readonly a: string; readonly b: string },
): SessionKeys {
  const info = enc("openred/v3/keys", pair.suite, pair.pairId, pair.a, pair.b);
  const out = hkdfExpand(prk, info, 112);
  return {
    aToB: out.slice(0, 32),
    bToA: out.slice(32, 64),
    sessionId: out.slice(64, 80),
    binding: out.slice(80, 112),
  };
}

export function aeadOf(method: string, step: number): "chacha20-poly1305" | "aes-256-gcm" {
  const number = Math.max(0, METHODS.indexOf(method));
  return (number + step) % 2 === 0 ? "chacha20-poly1305" : "aes-256-gcm";
}

export function trafficKey(chain0: Bytes, method: string, step: number): Bytes {
  let chain = chain0;
  for (let s = 0; s < step; s++) chain = hmac(chain, enc("openred/v3/chain", s));
  return hmac(chain, enc("openred/v3/traffic", aeadOf(method, step), step));
}

function cipherOf(
  key: Bytes,
  options: { method: string; step: number; counter: Bytes; aad: Bytes },
) {
  const nonce = concat(new Uint8Array(4), options.counter);
  return aeadOf(options.method, options.step) === "aes-256-gcm"
    ? gcm(key, nonce, options.aad)
    : chacha20poly1305(key, nonce, options.aad);
}

/** One frame before it is sealed; every member a test may want to bend. */
export interface FramePlan {
  readonly header: Json;
  readonly body?: Uint8Array;
  readonly step?: number;
  readonly counter?: number;
  readonly paddingBytes?: number;
  readonly paddingByte?: number;
  /** Sealed in place of header, body and padding. */
  readonly rawInner?: Uint8Array;
}

/** An opened frame. */
export interface OpenedFrame {
  readonly header: Json;
  readonly body: Bytes;
  readonly step: number;
  readonly counter: number;
}

function innerOf(plan: FramePlan): Uint8Array {
  if (plan.rawInner !== undefined) return plan.rawInner;
  const header = utf8(JSON.stringify(plan.header));
  const body = plan.body ?? new Uint8Array();
  const padding = new Uint8Array(plan.paddingBytes ?? 0).fill(plan.paddingByte ?? 0);
  return concat(bigEndian(header.length, 2), bigEndian(body.length, 4), header, body, padding);
}

/** Seals one frame of a direction whose first chain key is `chain0`. */
export function sealFrame(
  direction: { readonly chain0: Bytes; readonly method: string; readonly sessionId: Bytes },
  plan: FramePlan,
): Bytes {
  const step = plan.step ?? 0;
  const counter = bigEndian(plan.counter ?? 0, 8);
  const aad = concat(Uint8Array.of(3), direction.sessionId, bigEndian(step, 4), counter);
  const key = trafficKey(direction.chain0, direction.method, step);
  const cipher = cipherOf(key, { method: direction.method, step, counter, aad });
  return concat(aad, cipher.encrypt(innerOf(plan)));
}

/** Opens one frame. @throws {Error} When it does not open or is shaped wrong inside. */
export function openFrame(
  direction: { readonly chain0: Bytes; readonly method: string },
  frame: Bytes,
): OpenedFrame {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const step = view.getUint32(17);
  const counter = frame.slice(21, HEADER_BYTES);
  const aad = frame.slice(0, HEADER_BYTES);
  const key = trafficKey(direction.chain0, direction.method, step);
  const cipher = cipherOf(key, { method: direction.method, step, counter, aad });
  const inner = Uint8Array.from(cipher.decrypt(frame.slice(HEADER_BYTES)));
  const lengths = new DataView(inner.buffer);
  const headerEnd = 6 + lengths.getUint16(0);
  const bodyEnd = headerEnd + lengths.getUint32(2);
  if (bodyEnd > inner.length || inner.slice(bodyEnd).some((byte) => byte !== 0)) {
    throw new Error("Lengths or padding are wrong");
  }
  return {
    header: JSON.parse(textOf(inner.slice(6, headerEnd))),
    body: inner.slice(headerEnd, bodyEnd),
    step,
    counter: Number(view.getBigUint64(21)),
  };
}
