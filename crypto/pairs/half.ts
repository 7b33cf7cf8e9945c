/**
 * One node's half of a token pair.
 *
 * @module
 */
import { assertBytes, wipe } from "../primitives/bytes.ts";
import { concatBytes } from "../encoding.ts";
import type { HalfInfo } from "../interface.ts";
import type { Held } from "../keyring/keyring.ts";
import type { TokenPair } from "./tokens.ts";

const PAIR_ID_BYTES = 16;
const SECRET_BYTES = 32;

/** The secrets of a half, 32 bytes each. */
export interface HalfSecrets {
  /** This side's token, which it cannot open itself. */
  readonly token: Uint8Array;
  /** What opens the peer's token. */
  readonly peerSalt: Uint8Array;
  readonly check: Uint8Array;
}

function copyOf(info: HalfInfo): HalfInfo {
  return { ...info, pairId: new Uint8Array(info.pairId) };
}

/** A half, which owns its secrets. */
export class Half implements Held {
  readonly info: HalfInfo;
  readonly #secrets: Uint8Array;

  /**
   * One array for all three secrets: a node holds thousands of halves, and the runtime keeps each array off the heap.
   * @param secrets Token ‖ salt ‖ check value. This and `info` are from here on this object's.
   * @throws {RangeError} On a wrong length.
   */
  constructor(info: HalfInfo, secrets: Uint8Array) {
    assertBytes(info.pairId, PAIR_ID_BYTES, "a pair id");
    assertBytes(secrets, 3 * SECRET_BYTES, "the secrets of a half");
    this.info = info;
    this.#secrets = secrets;
  }

  /**
   * @param secrets Copied, as `info` is; the given arrays stay the caller's to wipe.
   * @throws {RangeError} On a wrong length.
   */
  static from(info: HalfInfo, { token, peerSalt, check }: HalfSecrets): Half {
    assertBytes(token, SECRET_BYTES, "a token");
    assertBytes(peerSalt, SECRET_BYTES, "a salt");
    assertBytes(check, SECRET_BYTES, "a check value");
    return new Half(copyOf(info), concatBytes(token, peerSalt, check));
  }

  /** Token ‖ salt ‖ check value. Not a copy. */
  get secrets(): Uint8Array {
    return this.#secrets;
  }

  get token(): Uint8Array {
    return this.#secrets.subarray(0, SECRET_BYTES);
  }

  get peerSalt(): Uint8Array {
    return this.#secrets.subarray(SECRET_BYTES, 2 * SECRET_BYTES);
  }

  get check(): Uint8Array {
    return this.#secrets.subarray(2 * SECRET_BYTES);
  }

  /** A half of its own, that outlives this one. */
  copy(): Half {
    return new Half(copyOf(this.info), this.#secrets.slice());
  }

  /** What is public, safe to hand out: nothing of it is shared with this half. */
  describe(): HalfInfo {
    return copyOf(this.info);
  }

  wipe(): void {
    wipe(this.#secrets);
  }
}

/** What one side of a pair keeps: its own token, and the salt of the other's. Not copies. */
export function halfSecretsOf(tokens: TokenPair, role: "initiator" | "responder"): HalfSecrets {
  return role === "initiator"
    ? { token: tokens.tokenA, peerSalt: tokens.saltB, check: tokens.check }
    : { token: tokens.tokenB, peerSalt: tokens.saltA, check: tokens.check };
}
