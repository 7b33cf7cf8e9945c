/**
 * Directories introduce a node only so often a minute. Calls that nobody waits for leave a part of that to the owner's
 * own wishes, however many of them there are.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";
import { sleep } from "../../ports/sleep.ts";

/** So many at once, then one each four seconds: 45 in any minute, where a directory's default allows 60. */
const AT_ONCE = 30;
const EACH_MS = 4_000;

/** The pace of one node. */
export class IntroductionPace {
  readonly #clock: Pick<Clock, "monotonicMs" | "setTimer">;
  /** When the one after all that were let through would be due, had none been let through early. */
  #nextMs = -Infinity;

  constructor(clock: Pick<Clock, "monotonicMs" | "setTimer">) {
    this.#clock = clock;
  }

  /**
   * Waits until one more may be asked for.
   * @throws {unknown} The signal's reason, as soon as it fires.
   */
  async take(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = dueMs + EACH_MS;
    const waitMs = dueMs - (AT_ONCE - 1) * EACH_MS - nowMs;
    if (waitMs > 0) await sleep(this.#clock, waitMs, signal);
  }
}
