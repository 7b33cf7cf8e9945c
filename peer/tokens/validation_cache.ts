/**
 * The seed's cache of validated tokens, for display and metrics. It never decides a handshake: whether a pair may be
 * used is known to the vault alone.
 *
 * @module
 */
import type { ValidationView } from "../../protocol/admin_api.ts";

const MAX_ENTRIES = 1_000;

/** What the last validation of each pair came to. */
export class ValidationCache {
  readonly #entries = new Map<string, ValidationView>();

  /** Notes how `tokensMatch` ended for a pair, named in hex. */
  note(pairId: string, validation: ValidationView): void {
    this.#entries.delete(pairId);
    this.#entries.set(pairId, validation);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Forgets a pair that was revoked. */
  forget(pairId: string): void {
    this.#entries.delete(pairId);
  }

  /** The entries whose pair has not ended by `nowMs`, the wall clock. */
  views(nowMs: number): ValidationView[] {
    for (const [pairId, { valid_until }] of this.#entries) {
      if (valid_until <= nowMs) this.#entries.delete(pairId);
    }
    return [...this.#entries.values()];
  }
}
