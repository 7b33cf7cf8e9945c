/**
 * Records and both layers of an envelope (DESIGN §3 and §5), from that page alone.
 *
 * @module
 */
import { base64Url, type Bytes, enc, textOf, unbase64Url, utf8 } from "./bytes.ts";
import { type Identity, type Json, type NoiseKey, open } from "./identity.ts";
import { openX, sealX } from "./noise.ts";
import { type Half, halfOf, type Pair } from "./tokens.ts";

export const PAIR_MS = 300_000;

/** A half together with the newest record of who holds the other one. */
export interface HeldHalf {
  readonly half: Half;
  readonly peerRecord: string;
}

/** Signs a record; `members` replaces or adds. */
export function makeRecord(identity: Identity, members: Json & { readonly seq: number }): string {
  const iat = Math.floor(members.seq / 1000);
  return identity.sign("record", {
    v: 3,
    iss: identity.id,
    iat,
    exp: iat + 86_400,
    suites: ["ik-x25519-mlkem768", "ik-x25519"],
    methods: ["alpha", "beta", "gamma", "delta"],
    services: ["messaging"],
    ...members,
  });
}

function prologueOf(directory: string, node: string, pairId: Bytes): Bytes {
  return enc("openred/v3/envelope", directory, node, pairId);
}

/** A directory that makes envelopes. */
export interface Issuer {
  readonly identity: Identity;
  readonly key: NoiseKey;
}

/** Makes one half's envelope; `outer` and `inner` replace members of its two layers. */
export function makeEnvelope(issuer: Issuer, options: {
  readonly pair: Pair;
  readonly side: "a" | "b";
  readonly to: string;
  readonly peer: string;
  readonly outer?: Json;
  readonly inner?: Json;
}): string {
  const { pair, side, to, peer } = options;
  const half = halfOf(pair, side);
  const { iss: aud, noise_key: noiseKey } = open("record", to);
  const inner = {
    role: side === "a" ? "initiator" : "responder",
    token: base64Url(half.token),
    peer_salt: base64Url(half.peerSalt),
    check: base64Url(half.check),
    method: pair.method,
    epoch: Math.floor(pair.issuedAt / 3_600_000),
    issued_at: pair.issuedAt,
    expires_at: pair.expiresAt,
    peer,
    ...options.inner,
  };
  const noise = sealX({
    prologue: prologueOf(issuer.identity.id, String(aud), pair.pairId),
    key: issuer.key,
    remote: unbase64Url(noiseKey),
    payload: utf8(JSON.stringify(inner)),
  });
  return issuer.identity.sign("pair", {
    v: 3,
    aud,
    pair_id: base64Url(pair.pairId),
    iat: Math.floor(pair.issuedAt / 1000),
    exp: Math.floor(pair.expiresAt / 1000),
    noise: base64Url(noise),
    ...options.outer,
  });
}

function fail(what: string): never {
  throw new Error(`Envelope: ${what}`);
}

/** What opens an envelope. */
export interface Receiver {
  /** The record of the directory it must come from. */
  readonly directory: string;
  readonly me: string;
  readonly key: NoiseKey;
}

/** Both layers of an envelope and who sealed the inner one. @throws {Error} If it does not open. */
export function readEnvelope(envelope: unknown, receiver: Receiver) {
  const outer = open("pair", envelope);
  const prologue = prologueOf(String(outer.iss), receiver.me, unbase64Url(outer.pair_id));
  const message = unbase64Url(outer.noise);
  const { payload, sender } = openX({ prologue, key: receiver.key, message });
  const inner: Json = JSON.parse(textOf(payload));
  return { outer, inner, sender };
}

/** Opens both layers of an envelope as §5 says. @throws {Error} When anything is wrong. */
export function openEnvelope(envelope: unknown, receiver: Receiver): HeldHalf {
  const directory = open("record", receiver.directory);
  const { me } = receiver;
  const { outer, inner, sender } = readEnvelope(envelope, receiver);
  if (outer.iss !== directory.iss) fail("not of the directory");
  if (outer.aud !== me) fail("for somebody else");
  if (base64Url(sender) !== directory.noise_key) fail("sealed by another key");
  const issuedAt = Number(inner.issued_at);
  const expiresAt = Number(inner.expires_at);
  if (outer.iat !== Math.floor(issuedAt / 1000)) fail("iat");
  if (outer.exp !== Math.floor(expiresAt / 1000)) fail("exp");
  if (expiresAt !== issuedAt + PAIR_MS) fail("expires_at");
  if (inner.epoch !== Math.floor(issuedAt / 3_600_000)) fail("epoch");
  const peer = String(open("record", inner.peer).iss);
  const isInitiator = inner.role === "initiator";
  if (!isInitiator && inner.role !== "responder") fail("role");
  const half = {
    issuer: String(outer.iss),
    pairId: unbase64Url(outer.pair_id),
    a: isInitiator ? me : peer,
    b: isInitiator ? peer : me,
    method: String(inner.method),
    issuedAt,
    expiresAt,
    token: unbase64Url(inner.token),
    peerSalt: unbase64Url(inner.peer_salt),
    check: unbase64Url(inner.check),
  };
  return { half, peerRecord: String(inner.peer) };
}
