/**
 * What the core's Worker says outside the packed messages.
 *
 * @module
 */

/** Its first message. Work posted before it could be lost. */
export const WORKER_READY = "ready";

/** The first byte of an answer: whether it tells that all calls of one message have begun, or comes later. */
export const ANSWER = { now: 0, later: 1 } as const;
