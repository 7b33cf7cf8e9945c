/**
 * Timers of a simulation in the order they fire: by time, then by insertion.
 *
 * @module
 */

export interface HeapTimer {
  readonly atMs: number;
  readonly order: number;
  callback: (() => void) | null;
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

/** A binary heap. A timer whose `callback` is `null` was cancelled. */
export class TimerHeap {
  readonly #timers: HeapTimer[] = [];

  get length(): number {
    return this.#timers.length;
  }

  peek(): HeapTimer | undefined {
    return this.#timers[0];
  }

  push(timer: HeapTimer): void {
    const timers = this.#timers;
    let index = timers.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, timers[parent]!)) break;
      timers[index] = timers[parent]!;
      index = parent;
    }
    timers[index] = timer;
  }

  pop(): HeapTimer | undefined {
    const timers = this.#timers;
    const first = timers[0];
    const last = timers.pop();
    if (first === undefined || last === undefined || timers.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child++;
      if (!isBefore(timers[child]!, last)) break;
      timers[index] = timers[child]!;
      index = child;
    }
    timers[index] = last;
    return first;
  }
}
