/**
 * How long a stream may last, and how long nothing of it may move.
 *
 * @module
 */
import type { Clock } from "./ports.ts";

/** Watches one stream until {@linkcode StreamTimes.end}. */
export class StreamTimes {
  readonly #clock: Pick<Clock, "setTimer" | "monotonicMs">;
  readonly #idleMs: number;
  readonly #late: () => void;
  readonly #cancelTotal: () => void;
  #cancelIdle = () => {};
  #movedMs: number;

  /** @param options `totalMs`: `null` where it may last for as long as it moves. `late`: called once. */
  constructor(
    clock: Pick<Clock, "setTimer" | "monotonicMs">,
    options: { readonly idleMs: number; readonly totalMs: number | null; late(): void },
  ) {
    this.#clock = clock;
    this.#idleMs = options.idleMs;
    this.#movedMs = clock.monotonicMs();
    this.#late = () => {
      this.end();
      options.late();
    };
    const { totalMs } = options;
    this.#cancelTotal = totalMs === null ? () => {} : clock.setTimer(totalMs, this.#late);
    this.#watch(this.#idleMs);
  }

  moved(): void {
    this.#movedMs = this.#clock.monotonicMs();
  }

  end(): void {
    this.#cancelTotal();
    this.#cancelIdle();
  }

  #watch(delayMs: number): void {
    this.#cancelIdle = this.#clock.setTimer(delayMs, () => {
      const leftMs = this.#movedMs + this.#idleMs - this.#clock.monotonicMs();
      if (leftMs <= 0) this.#late();
      else this.#watch(leftMs);
    });
  }
}
