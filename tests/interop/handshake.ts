/**
 * Both messages of a handshake (DESIGN §6), from that page alone, without I/O.
 *
 * @module
 */
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { base64Url, type Bytes, enc, hex, textOf, unbase64Url, utf8 } from "./bytes.ts";
import type { HeldHalf } from "./envelope.ts";
import { type Json, type NoiseKey, open } from "./identity.ts";
import { IkInitiator, IkResponder } from "./noise.ts";
import { extractPrk, sessionKeys } from "./session_keys.ts";
import { type Half, halfOf, openPeerToken, standbyPairs } from "./tokens.ts";

export const HYBRID = "ik-x25519-mlkem768";
export const CLASSIC = "ik-x25519";

/** Who takes part, as it shows itself. */
export interface Self {
  readonly id: string;
  readonly key: NoiseKey;
  readonly record: string;
}

/** A session's keys as one side holds them. */
export interface Established {
  readonly role: "a" | "b";
  readonly peer: string;
  readonly peerRecord: string;
  readonly suite: string;
  readonly method: string;
  readonly sessionId: Bytes;
  readonly sending: Bytes;
  readonly receiving: Bytes;
  readonly binding: Bytes;
  readonly lifeMs: number;
  readonly nextMethod: string;
  /** The payload the peer sent in its message. */
  readonly shown: Json;
  /** Own halves of the four standby pairs, by i. */
  readonly standby: readonly HeldHalf[];
}

function prologueOf(suite: string, half: Half): Bytes {
  return enc("openred/v3/session", suite, half.issuer, half.pairId, half.a, half.b);
}

function establish(prk: Bytes, options: {
  readonly role: "a" | "b";
  readonly suite: string;
  readonly half: Half;
  readonly peerRecord: string;
  readonly lifeMs: number;
  readonly next: Json;
  readonly shown: Json;
}): Established {
  const { role, suite, half, peerRecord, lifeMs, next, shown } = options;
  const { pairId, a, b, method } = half;
  const keys = sessionKeys(prk, { suite, pairId, a, b });
  const me = role === "a" ? a : b;
  const pairs = standbyPairs({
    prk,
    initiator: a,
    responder: b,
    method: String(next.method),
    issuedAt: Number(next.issued_at),
  });
  return {
    role,
    peer: role === "a" ? b : a,
    peerRecord,
    suite,
    method,
    sessionId: keys.sessionId,
    sending: role === "a" ? keys.aToB : keys.bToA,
    receiving: role === "a" ? keys.bToA : keys.aToB,
    binding: keys.binding,
    lifeMs,
    nextMethod: String(next.method),
    shown,
    standby: pairs.map((pair) => ({ half: halfOf(pair, pair.a === me ? "a" : "b"), peerRecord })),
  };
}

/** Ways to make a message 1 that must be refused, or that shows more than it has to. */
export interface Bend {
  readonly payload?: Json;
  readonly key?: NoiseKey;
  readonly outer?: Json;
  /** The suite written in the prologue and outside. */
  readonly suite?: string;
}

/** An attempt of an initiator: the exact body to send, and how to read the answer. */
export interface Attempt {
  readonly body: Json;
  finish(answer: Json): Established;
}

export function startHandshake(held: HeldHalf, self: Self, bend: Bend = {}): Attempt {
  const { half } = held;
  const suite = bend.suite ?? HYBRID;
  const kem = suite === HYBRID ? ml_kem768.keygen() : null;
  const noise = new IkInitiator({
    prologue: prologueOf(suite, half),
    key: bend.key ?? self.key,
    remote: unbase64Url(open("record", held.peerRecord).noise_key),
  });
  const payload = {
    token: base64Url(half.token),
    ...(kem === null ? {} : { kem_key: base64Url(kem.publicKey) }),
    record: self.record,
    ...bend.payload,
  };
  const message = noise.writeMessage1(utf8(JSON.stringify(payload)));
  const body = {
    v: 3,
    suite,
    pair_id: base64Url(half.pairId),
    noise: base64Url(message),
    ...bend.outer,
  };
  const finish = (answer: Json): Established => {
    const done = noise.readMessage2(unbase64Url(answer.noise));
    const inner: Json = JSON.parse(textOf(done.payload));
    if (open("record", inner.record).iss !== half.b) throw new Error("Record of somebody else");
    const root = openPeerToken(half, unbase64Url(inner.token), "b");
    const secret = kem === null
      ? new Uint8Array(32)
      : Uint8Array.from(ml_kem768.decapsulate(unbase64Url(inner.kem_ciphertext), kem.secretKey));
    const prk = extractPrk(done, root, secret);
    const established = establish(prk, {
      role: "a",
      suite,
      half,
      peerRecord: String(inner.record),
      lifeMs: Number(inner.life_ms),
      next: inner.next as Json,
      shown: inner,
    });
    if (base64Url(established.sessionId) !== answer.session_id) {
      throw new Error(`session_id is ${answer.session_id}, not ${hex(established.sessionId)}`);
    }
    return established;
  };
  return { body, finish };
}

/** Reads a message 1 and makes message 2. @throws {Error} When anything is wrong. */
export function answerHandshake(held: HeldHalf, self: Self, options: {
  readonly body: Json;
  readonly lifeMs: number;
  readonly method: string;
  readonly nowMs: number;
  readonly payload?: Json;
}): { readonly answer: Json; readonly established: Established } {
  const { half } = held;
  const suite = String(options.body.suite);
  const noise = new IkResponder({ prologue: prologueOf(suite, half), key: self.key });
  const shown: Json = JSON.parse(textOf(noise.readMessage1(unbase64Url(options.body.noise))));
  const record = open("record", shown.record);
  if (record.iss !== half.a) throw new Error("Record of somebody else");
  if (record.noise_key !== base64Url(noise.remote)) throw new Error("Another static key");
  const root = openPeerToken(half, unbase64Url(shown.token), "a");
  const kem = suite === HYBRID ? ml_kem768.encapsulate(unbase64Url(shown.kem_key)) : null;
  const next = { method: options.method, issued_at: options.nowMs };
  const payload = {
    token: base64Url(half.token),
    ...(kem === null ? {} : { kem_ciphertext: base64Url(kem.cipherText) }),
    life_ms: options.lifeMs,
    next,
    record: self.record,
    ...options.payload,
  };
  const done = noise.writeMessage2(utf8(JSON.stringify(payload)));
  const secret = kem === null ? new Uint8Array(32) : Uint8Array.from(kem.sharedSecret);
  const established = establish(extractPrk(done, root, secret), {
    role: "b",
    suite,
    half,
    peerRecord: String(shown.record),
    lifeMs: options.lifeMs,
    next,
    shown,
  });
  const answer = {
    session_established: true,
    session_id: base64Url(established.sessionId),
    noise: base64Url(done.message),
  };
  return { answer, established };
}
