/**
 * What each side of a handshake holds between its messages.
 *
 * @module
 * @see docs/PROTOCOL.md, "Sessions"
 */
import { wipe } from "../primitives/bytes.ts";
import { checkByteArray } from "../primitives/checks.ts";
import type { CoreParts } from "../keyring/core_parts.ts";
import { enc } from "../encoding.ts";
import type { Half } from "../pairs/half.ts";
import { CryptoError, type NextPairs, type Suite } from "../interface.ts";
import type { Held } from "../keyring/keyring.ts";
import type { KemSecret } from "../primitives/mlkem.ts";
import type { HandshakeState, SplitKeys } from "../primitives/noise.ts";
import { tokensMatch } from "../pairs/tokens.ts";

/** Beyond what a request's body may hold. */
const MAX_NOISE_BYTES = 16 * 1024;

/** What both sides know at the end. Secrets are 32 bytes each. */
export interface Outcome {
  readonly split: SplitKeys;
  readonly root: Uint8Array;
  readonly kem: Uint8Array;
  readonly next: NextPairs;
}

export function wipeOutcome(outcome: Outcome | null): void {
  if (outcome === null) return;
  wipe(outcome.split.k1, outcome.split.k2, outcome.root, outcome.kem);
}

/** An initiator that waits for message 2. */
export class InitiatorHandshake implements Held {
  readonly suite: Suite;
  /** A copy: the half may be released meanwhile. */
  readonly half: Half;
  readonly state: HandshakeState;
  readonly kemSecret: KemSecret | null;
  /** Counts the answers read, so that of two being read at once the later call counts. */
  readings = 0;
  answer: { readonly reading: number; readonly outcome: Outcome } | null = null;

  constructor(
    options: { suite: Suite; half: Half; state: HandshakeState; kemSecret: KemSecret | null },
  ) {
    this.suite = options.suite;
    this.half = options.half;
    this.state = options.state;
    this.kemSecret = options.kemSecret;
  }

  wipe(): void {
    this.half.wipe();
    this.state.wipe();
    this.kemSecret?.wipe();
    wipeOutcome(this.answer?.outcome ?? null);
  }
}

/** A responder that has read message 1. */
export class ResponderHandshake implements Held {
  readonly suite: Suite;
  /** A copy: the half may be released meanwhile. */
  readonly half: Half;
  readonly state: HandshakeState;
  readonly peerToken: Uint8Array;
  readonly kemKey: Uint8Array | null;

  constructor(
    options: {
      suite: Suite;
      half: Half;
      state: HandshakeState;
      peerToken: Uint8Array;
      kemKey: Uint8Array | null;
    },
  ) {
    this.suite = options.suite;
    this.half = options.half;
    this.state = options.state;
    this.peerToken = options.peerToken;
    this.kemKey = options.kemKey;
  }

  wipe(): void {
    this.half.wipe();
    this.state.wipe();
    wipe(this.peerToken);
  }
}

export function sessionPrologue(suite: Suite, half: Half): Uint8Array {
  const { issuer, pairId, idA, idB } = half.info;
  return enc("openred/v3/session", suite, issuer, pairId, idA, idB);
}

export function fail(reason: string): never {
  throw new CryptoError("handshake_failed", reason);
}

/** Refuses a message longer than any request. */
export function checkMessage(noise: Uint8Array): void {
  checkByteArray(noise, "a Noise message");
  if (noise.length > MAX_NOISE_BYTES) fail("The message is too long");
}

/** Opens the peer's token; the root is the caller's to wipe. */
export function matchRoot(parts: CoreParts, half: Half, peerToken: Uint8Array): Uint8Array {
  const root = tokensMatch(parts.hashes, half.info, {
    peerToken,
    peerSalt: half.peerSalt,
    peerRole: half.info.role === "initiator" ? "responder" : "initiator",
    check: half.check,
  });
  return root ?? fail("The token is not the peer's of this pair");
}
