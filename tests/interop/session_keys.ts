/**
 * Key schedule, ratchet and frames of DESIGN §6, from that page alone.
 *
 * @module
 */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { bigEndian, type Bytes, concat, enc, hkdfExpand, hmac, textOf, utf8 } from "./bytes.ts";
import type { Json } from "./identity.ts";
import type { Finished } from "./noise.ts";

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

export function trafficKey(chain0: Bytes, method: string, step: number): Bytes {
  let chain = chain0;
  for (let s = 0; s < step; s++) chain = hmac(chain, enc("openred/v3/chain", s));
  return hmac(chain, enc("openred/v3/traffic", method, step));
}

function cipherOf(key: Bytes, options: { counter: Bytes; aad: Bytes }) {
  return chacha20poly1305(key, concat(new Uint8Array(4), options.counter), options.aad);
}

/** One message of a frame. */
export interface PlannedMessage {
  readonly header: Json;
  readonly body?: Uint8Array;
}

/** One frame before it is sealed; every member a test may want to bend. */
export interface FramePlan {
  readonly header: Json;
  readonly body?: Uint8Array;
  readonly step?: number;
  readonly counter?: number;
  /** What shares the frame with the first message. */
  readonly more?: readonly PlannedMessage[];
  readonly paddingBytes?: number;
  readonly paddingByte?: number;
  /** Sealed in place of header, body and padding. */
  readonly rawInner?: Uint8Array;
}

/** An opened frame. */
export interface OpenedFrame {
  readonly header: Json;
  readonly body: Bytes;
  /** What shares the frame with the first message. */
  readonly more: readonly { readonly header: Json; readonly body: Bytes }[];
  readonly step: number;
  readonly counter: number;
}

function innerOf(plan: FramePlan): Uint8Array {
  if (plan.rawInner !== undefined) return plan.rawInner;
  const padding = new Uint8Array(plan.paddingBytes ?? 0).fill(plan.paddingByte ?? 0);
  return concat(...[plan, ...plan.more ?? []].map(messageBytes), padding);
}

function messageBytes(message: PlannedMessage): Bytes {
  const header = utf8(JSON.stringify(message.header));
  const body = message.body ?? new Uint8Array();
  return concat(bigEndian(header.length, 2), bigEndian(body.length, 4), header, body);
}

function readMessages(inner: Bytes): { header: Json; body: Bytes }[] {
  const lengths = new DataView(inner.buffer);
  const messages = [];
  let at = 0;
  while (at + 6 <= inner.length && lengths.getUint16(at) > 0) {
    const headerEnd = at + 6 + lengths.getUint16(at);
    const bodyEnd = headerEnd + lengths.getUint32(at + 2);
    if (bodyEnd > inner.length) throw new Error("Lengths are wrong");
    const header = JSON.parse(textOf(inner.slice(at + 6, headerEnd)));
    messages.push({ header, body: inner.slice(headerEnd, bodyEnd) });
    at = bodyEnd;
  }
  if (inner.slice(at).some((byte) => byte !== 0)) throw new Error("Padding is wrong");
  return messages;
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
  const cipher = cipherOf(key, { counter, aad });
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
  const cipher = cipherOf(key, { counter, aad });
  const inner = Uint8Array.from(cipher.decrypt(frame.slice(HEADER_BYTES)));
  const [first, ...more] = readMessages(inner);
  if (first === undefined) throw new Error("The frame is empty");
  return {
    ...first,
    more,
    step,
    counter: Number(view.getBigUint64(21)),
  };
}
