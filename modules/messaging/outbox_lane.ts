/**
 * What is under way to one peer, and how much may be.
 *
 * @module
 */
import { RunAgain } from "../../protocol/run_again.ts";
import type { Sending } from "../api.ts";

/** How much of one peer is under way at once; the rest waits on disk. Little of a peer that nothing was heard of. */
export const WINDOW = 1_024;
const WINDOW_UNHEARD = 16;
const WINDOW_BYTES = 4 * 2 ** 20;

/** What is under way to one peer. */
export interface Lane {
  readonly underWay: Map<string, { readonly sending: Sending; readonly bytes: number }>;
  /** Of all that is under way. */
  bytes: number;
  /** Whether a session counted, or an answer came, since this lane began. */
  isHeard: boolean;
  /** What the peer refused: it waits for a new session, or for some minutes. */
  readonly refused: Set<string>;
  /** Whether sending failed here. */
  hasFailed: boolean;
  /** What waits up to this number is under way or delivered, and need not be read again. */
  upTo: number;
  /** Whether nothing waits beyond it, but what is being stored now. */
  isWhole: boolean;
  /** Those of them that have left while there was a session. */
  readonly left: Set<string>;
  /** Reads the rows of this peer, and sends them. */
  readonly filling: RunAgain;
}

/** @param fill Reads what waits and sends it. */
export function createLane(fill: (lane: Lane) => Promise<void>): Lane {
  const lane: Lane = {
    underWay: new Map(),
    bytes: 0,
    isHeard: false,
    refused: new Set(),
    hasFailed: false,
    left: new Set(),
    upTo: 0,
    isWhole: false,
    filling: new RunAgain(() => fill(lane)),
  };
  return lane;
}

function windowOf({ isHeard }: Lane): number {
  return isHeard ? WINDOW : WINDOW_UNHEARD;
}

/** Whether another message may be sent. */
export function hasRoom(lane: Lane): boolean {
  return lane.underWay.size < windowOf(lane) && lane.bytes < WINDOW_BYTES;
}

/** The first of them, as many as find room beside what is under way; one where nothing is. */
export function fittingOf<T extends { readonly bytes: number }>(
  waiting: readonly T[],
  lane: Lane,
): T[] {
  let bytes = lane.bytes;
  const most = windowOf(lane) - lane.underWay.size;
  const end = waiting.findIndex((one, index) => {
    if (index >= most || bytes >= WINDOW_BYTES) return true;
    bytes += one.bytes;
    return false;
  });
  return end < 0 ? [...waiting] : waiting.slice(0, end);
}

/** Whether so much is under way that reading what waits can wait. */
export function isBusy(lane: Lane): boolean {
  const { size } = lane.underWay;
  return size > 0 && (size >= windowOf(lane) / 2 || lane.bytes >= WINDOW_BYTES / 2);
}
