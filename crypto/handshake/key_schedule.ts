/**
 * What a session's keys and its standby pairs are derived from.
 *
 * @module
 * @see docs/PROTOCOL.md, "Key schedule" and "Renewal without the directory"
 */
import { wipe } from "../primitives/bytes.ts";
import { concatBytes, enc } from "../encoding.ts";
import { Half, halfSecretsOf } from "../pairs/half.ts";
import type { Hashes } from "../primitives/hashes.ts";
import type { NextPairs } from "../interface.ts";
import { generateAsymmetricTokens, type PairContext, type TokenPair } from "../pairs/tokens.ts";

const STANDBY_COUNT = 4;
const STANDBY_LIFE_MS = 30 * 24 * 3_600_000;
const OUTPUT_BYTES = 112;

/** What goes in; 32 bytes each, the caller's to wipe. */
export interface KeyInputs {
  /** The final handshake hash. */
  readonly handshakeHash: Uint8Array;
  readonly k1: Uint8Array;
  readonly k2: Uint8Array;
  readonly root: Uint8Array;
  /** The ML-KEM-768 secret, or zeros without. */
  readonly kem: Uint8Array;
}

/** Which session the keys are of: the pair it was made with, and the suite. */
export interface SessionContext {
  readonly suite: string;
  /** 16 bytes. */
  readonly pairId: Uint8Array;
  readonly idA: string;
  readonly idB: string;
}

export interface SessionKeys {
  readonly chainAToB: Uint8Array;
  readonly chainBToA: Uint8Array;
  /** 16 bytes. */
  readonly sessionId: Uint8Array;
  readonly binding: Uint8Array;
}

/** `HKDF-Extract(h, k1 ‖ k2 ‖ root ‖ kem)`: 32 bytes, the caller's to wipe. */
export function derivePrk(hashes: Hashes, inputs: KeyInputs): Uint8Array {
  const { handshakeHash, k1, k2, root, kem } = inputs;
  const material = concatBytes(k1, k2, root, kem);
  const prk = hashes.hkdfExtract(handshakeHash, material);
  wipe(material);
  return prk;
}

/** The chains, id and binding of a session. */
export function deriveSessionKeys(
  hashes: Hashes,
  prk: Uint8Array,
  context: SessionContext,
): SessionKeys {
  const { suite, pairId, idA, idB } = context;
  const output = hashes.hkdfExpand(
    prk,
    enc("openred/v3/keys", suite, pairId, idA, idB),
    OUTPUT_BYTES,
  );
  const keys = {
    chainAToB: output.slice(0, 32),
    chainBToA: output.slice(32, 64),
    sessionId: output.slice(64, 80),
    binding: output.slice(80),
  };
  wipe(output);
  return keys;
}

/** Which standby pair is to be made. Initiator and responder are the session's. */
export interface StandbyOptions {
  readonly prk: Uint8Array;
  readonly next: NextPairs;
  readonly initiatorId: string;
  readonly responderId: string;
}

/**
 * Both halves of the standby pair number `index`. The tokens are the caller's to wipe.
 * @throws {CryptoError} `bad_argument` for a method that is not built in.
 */
export function deriveStandbyPair(
  hashes: Hashes,
  options: StandbyOptions,
  index: number,
): { context: PairContext; tokens: TokenPair } {
  const { prk, next, initiatorId, responderId } = options;
  const output = hashes.hkdfExpand(prk, enc("openred/v3/next", index), OUTPUT_BYTES);
  const [idA, idB] = index < 2 ? [initiatorId, responderId] : [responderId, initiatorId];
  const context: PairContext = {
    issuer: "peer",
    pairId: output.slice(0, 16),
    idA,
    idB,
    method: next.method,
    issuedAt: next.issuedAt,
    expiresAt: next.issuedAt + STANDBY_LIFE_MS,
  };
  const tokens = generateAsymmetricTokens(hashes, context, {
    key: output.subarray(16, 48),
    saltA: output.slice(48, 80),
    saltB: output.slice(80),
  });
  wipe(output);
  return { context, tokens };
}

/**
 * The four standby halves of one side of a session.
 * @throws {CryptoError} `bad_argument` for a method that is not built in.
 */
export function deriveStandbyHalves(
  hashes: Hashes,
  options: StandbyOptions & { readonly ownId: string },
): Half[] {
  const halves: Half[] = [];
  for (let index = 0; index < STANDBY_COUNT; index++) {
    const { context, tokens } = deriveStandbyPair(hashes, options, index);
    const role = context.idA === options.ownId ? "initiator" : "responder";
    halves.push(new Half({ ...context, role }, halfSecretsOf(tokens, role)));
    wipe(...Object.values(tokens));
  }
  return halves;
}
