/**
 * Which suite a handshake may use (docs/PROTOCOL.md, "Suites").
 *
 * @module
 */
import { type Suite, SUITES } from "../../crypto/interface.ts";

/** The best suite that both records list, or `null`. */
export function bestSuite(own: readonly string[], peer: readonly string[]): Suite | null {
  return SUITES.find((suite) => own.includes(suite) && peer.includes(suite)) ?? null;
}

export interface SuiteLists {
  /** Of the responder's newest record. */
  readonly own: readonly string[];
  /** Of all the responder's records that are still fresh, the newest included. */
  readonly ownFresh: readonly (readonly string[])[];
}

/** Tells whether a responder takes a suite at all: one of its newest record, or a better one it listed lately. */
export function isOwnSuite(suite: string, lists: SuiteLists): suite is Suite {
  const rank = SUITES.findIndex((known) => known === suite);
  if (rank < 0) return false;
  if (lists.own.includes(suite)) return true;
  const bestOwn = SUITES.findIndex((known) => lists.own.includes(known));
  return rank < bestOwn && lists.ownFresh.some((suites) => suites.includes(suite));
}

/** Tells whether the initiator lists a suite and could not have used a better one. */
export function isBestOffer(suite: Suite, peer: readonly string[], lists: SuiteLists): boolean {
  if (!peer.includes(suite)) return false;
  const bound = SUITES.findIndex((known) =>
    peer.includes(known) && lists.ownFresh.every((suites) => suites.includes(known))
  );
  return bound < 0 || SUITES.indexOf(suite) <= bound;
}
