/**
 * This machine's clock against that of a directory.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";
import type { OpenRedError } from "../../protocol/errors.ts";
import { PROOF_WINDOW_S } from "../../protocol/limits.ts";
import type { NodeEvents } from "../events/events.ts";
import { warnOfClock } from "../timing/clock_warning.ts";

/** Sets this machine's clock against that of one directory. */
export class ClockSkew {
  readonly #parts: { readonly clock: Clock; readonly events: NodeEvents };
  readonly #url: string;

  constructor(parts: { readonly clock: Clock; readonly events: NodeEvents }, url: string) {
    this.#parts = parts;
    this.#url = url;
  }

  /** Warns of what a directory refused for its time; the answer may say how late it is there. */
  refused({ members }: OpenRedError): void {
    this.#warn(typeof members.now_at === "number" ? this.#ahead(members.now_at) : null);
  }

  /**
   * Compares the clocks where a directory took a record, which it also does while this clock is behind: numbers go on
   * from those that were taken.
   * @param directoryMs When it answered, by its own clock; `null` takes an earlier warning back.
   */
  compare(directoryMs: number | null): void {
    const aheadMs = directoryMs === null ? 0 : this.#ahead(directoryMs);
    if (Math.abs(aheadMs) > PROOF_WINDOW_S * 1000) this.#warn(aheadMs);
    else this.#parts.events.settle(this.#topic);
  }

  get #topic(): string {
    return `clock ${this.#url}`;
  }

  #ahead(directoryMs: number): number {
    return this.#parts.clock.nowMs() - directoryMs;
  }

  #warn(aheadMs: number | null): void {
    const other = { topic: this.#topic, whose: this.#url, mend: "set the right time" };
    warnOfClock(this.#parts.events, other, aheadMs);
  }
}
