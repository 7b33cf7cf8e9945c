/**
 * Keeps strangers from washing the log out: of what anybody can cause as often as he likes, so many a minute are
 * entries of their own; the others become one that counts them.
 *
 * @module
 */
import type { Clock } from "../../ports/ports.ts";

const WINDOW_MS = 60_000;
const MAX_A_WINDOW = 20;

interface Window {
  count: number;
  cancel(): void;
}

/** Counts events of strangers. */
export class Throttle {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #summarize: (event: string, repeated: number) => void;
  readonly #windows = new Map<string, Window>();

  /** @param summarize Called at the end of a minute in which events were held back. */
  constructor(
    clock: Pick<Clock, "setTimer">,
    summarize: (event: string, repeated: number) => void,
  ) {
    this.#clock = clock;
    this.#summarize = summarize;
  }

  /** Counts one event, and tells whether it is to be an entry of its own. */
  admits(event: string): boolean {
    const window = this.#windows.get(event) ?? this.#open(event);
    window.count += 1;
    return window.count <= MAX_A_WINDOW;
  }

  /** Says what was held back, at once. */
  stop(): void {
    for (const [event, window] of this.#windows) {
      window.cancel();
      this.#close(event, window);
    }
  }

  #open(event: string): Window {
    const window: Window = { count: 0, cancel: () => {} };
    window.cancel = this.#clock.setTimer(WINDOW_MS, () => this.#close(event, window));
    this.#windows.set(event, window);
    return window;
  }

  #close(event: string, window: Window): void {
    this.#windows.delete(event);
    const repeated = window.count - MAX_A_WINDOW;
    if (repeated > 0) this.#summarize(event, repeated);
  }
}
