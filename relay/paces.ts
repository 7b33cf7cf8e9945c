/**
 * Bytes per second, kept by waiting: nothing is dropped.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import type { RelayCounts } from "./counts.ts";

/** What may go at once after a pause. */
const BURST_MS = 250;
/** Names remembered at a time. */
const MAX_NAMES = 10_000;

/** One rate for each name. */
class Pace {
  readonly #bytesPerSecond: number;
  /** When what was counted so far has had its time. */
  readonly #dueMs = new Map<string, number>();

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** @returns How long to wait before more. */
  count(
    name: string,
    { bytes, nowMs }: { readonly bytes: number; readonly nowMs: number },
  ): number {
    if (this.#bytesPerSecond === 0) return 0;
    const spanMs = bytes / this.#bytesPerSecond * 1000;
    const dueMs = Math.max(nowMs - BURST_MS, this.#dueMs.get(name) ?? -Infinity) + spanMs;
    this.#dueMs.delete(name);
    if (this.#dueMs.size >= MAX_NAMES) this.#dueMs.delete(this.#dueMs.keys().next().value!);
    this.#dueMs.set(name, dueMs);
    return Math.max(0, dueMs - nowMs);
  }
}

/** Whom bytes are counted for. */
export interface Counted {
  readonly node: string;
  readonly source: string;
}

/** The rates of a relay: of each node, and of each source of callers. */
export class Paces {
  readonly #clock: Clock;
  readonly #counts: Pick<RelayCounts, "passed">;
  readonly #nodes: Pace;
  readonly #callers: Pace;

  constructor(
    { clock, counts }: {
      readonly clock: Clock;
      readonly counts: Pick<RelayCounts, "passed">;
    },
    limits: { readonly nodeBytesPerSecond: number; readonly callerBytesPerSecond: number },
  ) {
    this.#clock = clock;
    this.#counts = counts;
    this.#nodes = new Pace(limits.nodeBytesPerSecond);
    this.#callers = new Pace(limits.callerBytesPerSecond);
  }

  /** Counts bytes that have passed. @returns Resolves when more may; `null` where it may at once. */
  passed({ node, source }: Counted, bytes: number): Promise<void> | null {
    this.#counts.passed(bytes);
    const counted = { bytes, nowMs: this.#clock.monotonicMs() };
    const delayMs = Math.max(
      this.#nodes.count(node, counted),
      this.#callers.count(source, counted),
    );
    if (delayMs === 0) return null;
    return new Promise((resolve) => void this.#clock.setTimer(delayMs, resolve));
  }
}
