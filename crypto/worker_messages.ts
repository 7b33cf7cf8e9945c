/**
 * What the core's Worker says outside the packed messages.
 *
 * @module
 */

/** Its first message. Work posted before it could be lost. */
export const WORKER_READY = "ready";
