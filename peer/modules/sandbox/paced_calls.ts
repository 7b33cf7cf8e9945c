/**
 * Calls of one module that the node's disk or its core has to work for: one after the other, with pauses between them,
 * so that whatever a module asks for, the node has most of the time for everybody else.
 *
 * @module
 */
import type { Clock } from "../../../ports/ports.ts";
import { TimeShare } from "../../../ports/time_share.ts";

/** The rest of its time the disk is there for the node itself. */
const SHARE = { share: 1 / 4, burstMs: 250 };

/** The calls of one module. */
export class PacedCalls {
  readonly #clock: Pick<Clock, "monotonicMs" | "setTimer">;
  readonly #share: TimeShare;
  /** The end of the last call that was asked for, with its pause. */
  #last: Promise<void> = Promise.resolve();
  #endPause = () => {};
  #isOver = false;

  constructor(clock: Pick<Clock, "monotonicMs" | "setTimer">) {
    this.#clock = clock;
    this.#share = new TimeShare(clock.monotonicMs(), SHARE);
  }

  /** Works when it is its turn; never, once the module is gone. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const former = this.#last;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    this.#last = over;
    await former;
    if (this.#isOver) return await new Promise<never>(() => {});
    const startMs = this.#clock.monotonicMs();
    try {
      return await work();
    } finally {
      const nowMs = this.#clock.monotonicMs();
      this.#pause(this.#share.spent(nowMs - startMs, nowMs), resolve);
    }
  }

  /** The module is gone. */
  stop(): void {
    this.#isOver = true;
    this.#endPause();
  }

  #pause(ms: number, over: () => void): void {
    if (ms === 0 || this.#isOver) return over();
    const cancel = this.#clock.setTimer(ms, over);
    this.#endPause = () => {
      cancel();
      over();
    };
  }
}
