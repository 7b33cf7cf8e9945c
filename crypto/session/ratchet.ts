/**
 * The epoch ratchet of one direction of a session: a chain of keys, one traffic key a step.
 *
 * @module
 * @see docs/PROTOCOL.md, "Ratchet"
 */
import type { Aead } from "../primitives/aead.ts";
import { wipe } from "../primitives/bytes.ts";
import { enc } from "../encoding.ts";
import type { Hashes } from "../primitives/hashes.ts";
import { CryptoError, MAX_STEP_FRAMES } from "../interface.ts";

const STEP_LIFE_MS = 3_600_000;
const MAX_STEP = 2 ** 32 - 1;
/** How far ahead of its current step a receiver follows. */
export const MAX_STEPS_AHEAD = 64;
/** How long older keys last after the first frame of a later step. */
export const OLD_STEP_LIFE_MS = 120_000;

export interface RatchetParts {
  readonly hashes: Hashes;
  /** ChaCha20-Poly1305 seals the frames of every step. */
  readonly aeads: { readonly chacha20Poly1305: Aead };
}

/** The 32-byte traffic key of a step. The pair's method is part of it: which one is in use reaches every key. */
export function trafficKey(
  hashes: Hashes,
  chain: Uint8Array,
  options: { method: string; step: number },
): Uint8Array {
  return hashes.hmacSha256(chain, enc("openred/v3/traffic", options.method, options.step));
}

/** The chain that follows step `step`'s. */
export function nextChain(hashes: Hashes, chain: Uint8Array, step: number): Uint8Array {
  return hashes.hmacSha256(chain, enc("openred/v3/chain", step));
}

/** A step's traffic key, ready to use. */
class StepKey {
  readonly #aead: Aead;
  readonly #key: Uint8Array;
  /** When it is to be wiped, on the receiver's monotonic clock; `null` while it is the latest. */
  wipeAtMs: number | null = null;

  constructor(
    parts: RatchetParts,
    options: { chain: Uint8Array; method: string; step: number },
  ) {
    this.#aead = parts.aeads.chacha20Poly1305;
    this.#key = trafficKey(parts.hashes, options.chain, options);
  }

  seal(nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): void {
    this.#aead.sealInPlace(this.#key, nonce, aad, text);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null {
    return this.#aead.open(this.#key, nonce, aad, sealed);
  }

  wipe(): void {
    wipe(this.#key);
  }
}

/** What a ratchet starts from. The chain is its own from here on. */
export interface RatchetStart {
  /** 32 bytes. */
  readonly chain: Uint8Array;
  readonly method: string;
}

/** The sender's side, which decides when to step. */
export class SendRatchet {
  readonly #parts: RatchetParts;
  readonly #method: string;
  #chain: Uint8Array;
  #key: StepKey;
  #step = 0;
  #stepSinceMs: number;
  #frames = 0;

  constructor(parts: RatchetParts, start: RatchetStart & { readonly nowMs: number }) {
    this.#parts = parts;
    this.#method = start.method;
    this.#chain = start.chain;
    this.#stepSinceMs = start.nowMs;
    this.#key = this.#deriveKey();
  }

  get step(): number {
    return this.#step;
  }

  get stepSinceMs(): number {
    return this.#stepSinceMs;
  }

  /**
   * Steps if the step is an hour old or has {@linkcode MAX_STEP_FRAMES}, and wipes what it leaves.
   * @throws {CryptoError} `exhausted` after the last step.
   */
  stepIfDue(nowMs: number): void {
    const isDue = nowMs - this.#stepSinceMs >= STEP_LIFE_MS || this.#frames >= MAX_STEP_FRAMES;
    if (!isDue) return;
    if (this.#step === MAX_STEP) {
      throw new CryptoError("exhausted", "The session has used up its steps");
    }
    const left = this.#chain;
    this.#chain = nextChain(this.#parts.hashes, left, this.#step);
    this.#key.wipe();
    wipe(left);
    this.#step++;
    this.#stepSinceMs = nowMs;
    this.#frames = 0;
    this.#key = this.#deriveKey();
  }

  /** Seals one frame in place under the current step's key, tag included. The nonce must be a new one. */
  seal(nonce: Uint8Array, aad: Uint8Array, text: Uint8Array): void {
    this.#frames++;
    this.#key.seal(nonce, aad, text);
  }

  wipe(): void {
    wipe(this.#chain);
    this.#key.wipe();
  }

  #deriveKey(): StepKey {
    const options = { chain: this.#chain, method: this.#method, step: this.#step };
    return new StepKey(this.#parts, options);
  }
}

/** The receiver's side, which follows what verified. */
export class ReceiveRatchet {
  readonly #parts: RatchetParts;
  readonly #method: string;
  #chain: Uint8Array;
  #step = 0;
  /** The current step's key, and older and skipped ones until their time is up. */
  readonly #keys = new Map<number, StepKey>();

  constructor(parts: RatchetParts, start: RatchetStart) {
    this.#parts = parts;
    this.#method = start.method;
    this.#chain = start.chain;
    this.#keys.set(0, this.#deriveKey(this.#chain, 0));
  }

  /** The latest step a frame opened in. */
  get step(): number {
    return this.#step;
  }

  /**
   * Opens one frame. Only a tag that verifies moves the ratchet.
   * @returns The plaintext, or `null` for a forgery, a step too far ahead, or one whose key is gone.
   */
  open(
    options: {
      step: number;
      nowMs: number;
      nonce: Uint8Array;
      aad: Uint8Array;
      sealed: Uint8Array;
    },
  ): Uint8Array | null {
    const { step, nowMs, nonce, aad, sealed } = options;
    this.wipeOld(nowMs);
    const kept = this.#keys.get(step);
    if (kept !== undefined) return kept.open(nonce, aad, sealed);
    if (step <= this.#step || step > this.#step + MAX_STEPS_AHEAD) return null;
    const chain = this.#chainOf(step);
    const key = this.#deriveKey(chain, step);
    const plaintext = key.open(nonce, aad, sealed);
    if (plaintext === null) {
      wipe(chain);
      key.wipe();
      return null;
    }
    this.#moveTo({ step, chain, key, nowMs });
    return plaintext;
  }

  /** Wipes the keys of older steps whose two minutes are over. */
  wipeOld(nowMs: number): void {
    if (this.#keys.size === 1) return;
    for (const [step, key] of this.#keys) {
      if (key.wipeAtMs === null || nowMs < key.wipeAtMs) continue;
      key.wipe();
      this.#keys.delete(step);
    }
  }

  wipe(): void {
    wipe(this.#chain);
    for (const key of this.#keys.values()) key.wipe();
    this.#keys.clear();
  }

  #deriveKey(chain: Uint8Array, step: number): StepKey {
    return new StepKey(this.#parts, { chain, method: this.#method, step });
  }

  /** A later step's chain, on a copy. */
  #chainOf(step: number): Uint8Array {
    let chain: Uint8Array = this.#chain.slice();
    for (let at = this.#step; at < step; at++) {
      const left = chain;
      chain = nextChain(this.#parts.hashes, left, at);
      wipe(left);
    }
    return chain;
  }

  #moveTo(target: { step: number; chain: Uint8Array; key: StepKey; nowMs: number }): void {
    const { hashes } = this.#parts;
    let chain = this.#chain;
    for (let at = this.#step; at < target.step; at++) {
      if (at > this.#step) this.#keys.set(at, this.#deriveKey(chain, at));
      const left = chain;
      chain = nextChain(hashes, left, at);
      wipe(left);
    }
    wipe(chain);
    for (const key of this.#keys.values()) key.wipeAtMs ??= target.nowMs + OLD_STEP_LIFE_MS;
    this.#keys.set(target.step, target.key);
    this.#chain = target.chain;
    this.#step = target.step;
  }
}
