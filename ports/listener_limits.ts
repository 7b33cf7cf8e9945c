/**
 * What one listener takes of strangers at most. Every span is in milliseconds.
 *
 * @module
 */

export interface ListenerLimits {
  /** Connections of one source address (IPv6: /64). */
  readonly connectionsPerSource: number;
  /** Connections of everybody. */
  readonly connections: number;
  /** Bytes of bodies and messages under way that have not been handled, of one source. */
  readonly perSourceBytes: number;
  /** The same of everybody. */
  readonly totalBytes: number;
  /** Until the first byte of a connection. */
  readonly silentMs: number;
  /** Between two requests of a connection. */
  readonly keepAliveMs: number;
  /** From the first byte of a head to its last. */
  readonly headMs: number;
  /** From the first look at a body to its last byte. */
  readonly bodyMs: number;
  /** How long an answer may find nobody who takes a part of it. */
  readonly writeMs: number;
  /** How long the rest of a refused request is read and dropped, so that its sender sees the answer. */
  readonly lingerMs: number;
  /** How long the system may refuse every connection before the listener gives up. */
  readonly failingMs: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  connectionsPerSource: 256,
  connections: 4_096,
  perSourceBytes: 16 * 2 ** 20,
  totalBytes: 64 * 2 ** 20,
  silentMs: 10_000,
  keepAliveMs: 75_000,
  headMs: 10_000,
  bodyMs: 30_000,
  writeMs: 30_000,
  lingerMs: 2_000,
  failingMs: 60_000,
};

/** What one of several listeners takes, so that all together take no more than one would. */
export function limitsOfOne(listeners: number): ListenerLimits {
  const { connectionsPerSource, connections, perSourceBytes, totalBytes } = DEFAULT_LISTENER_LIMITS;
  const part = (all: number) => Math.floor(all / listeners);
  return {
    ...DEFAULT_LISTENER_LIMITS,
    connectionsPerSource: part(connectionsPerSource),
    connections: part(connections),
    perSourceBytes: part(perSourceBytes),
    totalBytes: part(totalBytes),
  };
}
