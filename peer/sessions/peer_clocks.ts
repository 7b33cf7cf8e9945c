/**
 * This machine's clock against those of peers, as their `core.hello` says them.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import { CLOCK_ALLOWANCE_MS, HELLO_CLOCK_STEP_MS } from "../../protocol/limits.ts";
import type { NodeEvents } from "../events/events.ts";
import type { Decisions } from "../peers/decisions.ts";
import { warnOfClock } from "../timing/clock_warning.ts";
import type { Session } from "./session.ts";

function topicOf(peer: NodeId): string {
  return `peer_clock ${peer}`;
}

/** This clock for a peer: coarse, since an exact one would tell which ids live on one machine. */
export function clockForPeers(nowMs: number): number {
  return nowMs - nowMs % HELLO_CLOCK_STEP_MS;
}

/**
 * By how much this clock is ahead of a peer's, at the least. A hello may come late, but was sealed since there is a
 * session.
 */
export function aheadOf(
  hello: { readonly at: number; readonly ageMs: number },
  nowMs: number,
): number {
  const mostMs = nowMs - hello.at;
  const leastMs = mostMs - hello.ageMs - HELLO_CLOCK_STEP_MS;
  if (leastMs > 0) return leastMs;
  return Math.min(mostMs, 0);
}

export interface PeerClocksParts {
  readonly clock: Clock;
  readonly events: NodeEvents;
  readonly decisions: Pick<Decisions, "isDecided">;
}

/** Warns of the clocks of peers that somebody here decided about. Others may say what they like. */
export class PeerClocks {
  readonly #parts: PeerClocksParts;

  constructor(parts: PeerClocksParts) {
    this.#parts = parts;
  }

  /** @param at What its hello on this session says. */
  compare({ peer, ageMs }: Pick<Session, "peer" | "ageMs">, at: number): void {
    const { clock, events, decisions } = this.#parts;
    const aheadMs = aheadOf({ at, ageMs }, clock.nowMs());
    if (Math.abs(aheadMs) <= CLOCK_ALLOWANCE_MS || !decisions.isDecided(peer)) {
      return settleClock(events, peer);
    }
    const whose = events.log.called(peer);
    const mend = "set the one that is wrong";
    warnOfClock(events, { topic: topicOf(peer), whose, mend, peer }, aheadMs);
  }
}

/** Takes the warning back. */
export function settleClock(events: Pick<NodeEvents, "settle">, peer: NodeId): void {
  events.settle(topicOf(peer));
}
