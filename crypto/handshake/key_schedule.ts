/**
 * What a session's keys are derived from.
 *
 * @module
 * @see docs/PROTOCOL.md, "Key schedule"
 */
import { wipe } from "../primitives/bytes.ts";
import { concatBytes, enc } from "../encoding.ts";
import type { Hashes } from "../primitives/hashes.ts";

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
