/**
 * What the core's Worker and its client say besides calls and results.
 *
 * @module
 */

/** The Worker's first message. Work posted before it could be lost. */
export const WORKER_READY = "ready";

/**
 * The first byte of a message of the Worker. `begun`: all calls of one message have begun, and these have ended.
 * `later`: a call that took its time has ended. `permute`: a block of a module's method is wanted.
 */
export const REPORT = { begun: 0, later: 1, permute: 2 } as const;

/** Stands where the number of a call does: the rest is the block that the Worker asked for under this id. */
export const PERMUTED_CALL = 0xff;
