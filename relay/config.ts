/**
 * What an operator may set of a relay.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";

/** Limits of one relay; 0 means no limit. */
export interface RelayLimits {
  /** Nodes with a link. */
  readonly nodes: number;
  /** Links, proven or not, of one source address. */
  readonly nodesPerAddress: number;
  /** Exchanges under way with one node. */
  readonly exchangesPerNode: number;
  readonly channelsPerNode: number;
  /** Exchanges under way of one source address. */
  readonly exchangesPerAddress: number;
  readonly channelsPerAddress: number;
  /** Exchanges and channels that one source address begins. */
  readonly callsPerMinute: number;
  /** Bytes either way of one node. */
  readonly nodeBytesPerSecond: number;
  /** Bytes either way of one source address. */
  readonly callerBytesPerSecond: number;
  /** Bytes that wait in the relay for whoever reads slowly, of everybody. */
  readonly unreadBytes: number;
}

export const DEFAULT_RELAY_LIMITS: RelayLimits = {
  nodes: 128,
  nodesPerAddress: 16,
  exchangesPerNode: 64,
  channelsPerNode: 128,
  exchangesPerAddress: 64,
  channelsPerAddress: 64,
  callsPerMinute: 1_200,
  nodeBytesPerSecond: 16 * 2 ** 20,
  callerBytesPerSecond: 16 * 2 ** 20,
  unreadBytes: 64 * 2 ** 20,
};

export interface RelayConfig {
  /** The public base URL. */
  readonly url: string;
  /** The ids that may have a link; everybody where it is `null`. */
  readonly allowed: readonly NodeId[] | null;
  /** Whose word counts on where a request came from. */
  readonly trustedProxies: TrustedProxies;
  readonly limits: RelayLimits;
}
