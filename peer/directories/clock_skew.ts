/**
 * Telling the owner that this machine's clock and a directory's differ. Nothing is set by it.
 *
 * @module
 */
import { PROOF_WINDOW_S } from "../../protocol/limits.ts";
import type { NodeEvents } from "../events.ts";

function topicOf(url: string): string {
  return `clock ${url}`;
}

/** @param aheadMs How far this clock is ahead of the directory's; negative if it is behind, `null` if nobody knows. */
export function warnOfSkew(events: NodeEvents, url: string, aheadMs: number | null): void {
  // Rounded, so that the same skew is the same warning.
  const seconds = aheadMs === null ? 0 : 10 * Math.round(Math.abs(aheadMs) / 10_000);
  const by = seconds === 0 ? "" : ` by ${seconds} s`;
  const side = aheadMs === null ? "" : `, this one is ${aheadMs < 0 ? "behind" : "ahead"}`;
  events.warn(
    topicOf(url),
    `This machine's clock and that of ${url} differ${by}${side}; set the right time`,
  );
}

/**
 * Compares the clocks where a directory took a record, which it also does while this clock is behind: numbers go on from
 * those that were taken.
 * @param aheadMs As for {@linkcode warnOfSkew}; `null` takes an earlier warning back.
 */
export function compareClocks(events: NodeEvents, url: string, aheadMs: number | null): void {
  if (Math.abs(aheadMs ?? 0) > PROOF_WINDOW_S * 1000) warnOfSkew(events, url, aheadMs);
  else events.settle(topicOf(url));
}
