/**
 * Telling the owner that this machine's clock and another one differ. Nothing is set by it.
 *
 * @module
 */
import type { NodeEvents } from "../events/events.ts";

/** Whose clock it is, in a warning. */
export interface OtherClock {
  /** Of the warning; one at a time stands under it. */
  readonly topic: string;
  /** As the owner reads it. */
  readonly whose: string;
  readonly mend: string;
  readonly peer?: string;
}

/** @param aheadMs By how much this machine's clock is ahead; `null` if only that they differ is known. */
export function warnOfClock(events: NodeEvents, other: OtherClock, aheadMs: number | null): void {
  // Rounded, so that the same skew is the same warning.
  const seconds = aheadMs === null ? 0 : 10 * Math.round(Math.abs(aheadMs) / 10_000);
  const by = seconds === 0 ? "" : ` by ${seconds} s`;
  const side = aheadMs === null ? "" : `, this one is ${aheadMs < 0 ? "behind" : "ahead"}`;
  const { topic, whose, mend, peer } = other;
  const text = `This machine's clock and that of ${whose} differ${by}${side}; ${mend}`;
  events.warn(topic, text, peer === undefined ? {} : { peer });
}
