/**
 * How many lines of one event a log takes. What strangers can cause as often as they like is summed up, so that nobody
 * fills a disk.
 *
 * @module
 */

const WINDOW_MS = 60_000;
/** Lines of one event in a minute. */
export const LINES_PER_MINUTE = 60;

interface Window {
  readonly endMs: number;
  count: number;
}

/** What was left out of one event. */
export interface LeftOut {
  readonly event: string;
  readonly count: number;
}

/** Counts lines by event; the names of events are the program's own, so there are not many. */
export class LogThrottle {
  readonly #windows = new Map<string, Window>();

  /** @returns Whether a line of this event is to be written. */
  take(event: string, nowMs: number): boolean {
    let window = this.#windows.get(event);
    if (window === undefined) {
      window = { endMs: nowMs + WINDOW_MS, count: 0 };
      this.#windows.set(event, window);
    }
    window.count += 1;
    return window.count <= LINES_PER_MINUTE;
  }

  /** Ends the windows that are over at `nowMs`. @returns What was left out in them. */
  sumUp(nowMs: number): LeftOut[] {
    const leftOut: LeftOut[] = [];
    for (const [event, { endMs, count }] of this.#windows) {
      if (nowMs < endMs) continue;
      this.#windows.delete(event);
      if (count > LINES_PER_MINUTE) leftOut.push({ event, count: count - LINES_PER_MINUTE });
    }
    return leftOut;
  }

  /** When the first window ends that left something out, or `null`. */
  get dueMs(): number | null {
    let dueMs: number | null = null;
    for (const { endMs, count } of this.#windows.values()) {
      if (count > LINES_PER_MINUTE && (dueMs === null || endMs < dueMs)) dueMs = endMs;
    }
    return dueMs;
  }
}
