/**
 * What each side of a handshake holds between its messages.
 *
 * @module
 * @see docs/PROTOCOL.md, "Sessions"
 */
import { wipe } from "../primitives/bytes.ts";
import type { Half } from "../pairs/half.ts";
import type { Suite } from "../interface.ts";
import type { Held } from "../keyring/keyring.ts";
import type { KemSecret } from "../primitives/mlkem.ts";
import type { HandshakeState } from "../primitives/noise.ts";
import { type SessionMaterial, wipeMaterial } from "./session_material.ts";

/** An initiator that waits for message 2. */
export class InitiatorHandshake implements Held {
  readonly suite: Suite;
  /** A copy: the half may be released meanwhile. */
  readonly half: Half;
  readonly state: HandshakeState;
  readonly kemSecret: KemSecret | null;
  /** Counts the answers read, so that of two being read at once the later call counts. */
  readings = 0;
  answer: { readonly reading: number; readonly material: SessionMaterial } | null = null;

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
    wipeMaterial(this.answer?.material ?? null);
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
