/**
 * Which method the next pairs of a handshake have: the same for a whole hour of UTC, so the core is asked once.
 *
 * @module
 */
import type { CryptoCore, RotationPolicy } from "../../crypto/interface.ts";

const HOUR_MS = 3_600_000;

interface Chosen {
  readonly hour: number;
  readonly methods: string;
  readonly method: string;
}

/** Chooses methods as a policy says, and remembers the last choice. */
export class NextMethod {
  readonly #crypto: Pick<CryptoCore, "selectMethod">;
  readonly #policy: RotationPolicy;
  #last: Chosen | null = null;

  constructor(crypto: Pick<CryptoCore, "selectMethod">, policy: RotationPolicy) {
    this.#crypto = crypto;
    this.#policy = policy;
  }

  /**
   * The method of pairs that are made now.
   * @param methods Those that both nodes have, in the order of `commonMethods`.
   */
  async choose(nowMs: number, methods: readonly string[]): Promise<string> {
    const hour = Math.floor(nowMs / HOUR_MS);
    const names = methods.join(" ");
    const last = this.#last;
    if (last !== null && last.hour === hour && last.methods === names) return last.method;
    const policy = this.#policy;
    const method = await this.#crypto.selectMethod({ timestampMs: nowMs, policy, methods });
    this.#last = { hour, methods: names, method };
    return method;
  }
}
