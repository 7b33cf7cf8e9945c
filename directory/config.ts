/**
 * What an operator may set.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { KeystoreCost, RotationPolicy } from "../crypto/interface.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";

/** Limits of one directory; 0 means no limit. */
export interface DirectoryLimits {
  /** Requests of one source address. */
  readonly addressPerMinute: number;
  /** New records and introductions of one identity. */
  readonly identityPerMinute: number;
  /** Calls to one host under way at a time. */
  readonly hostInFlight: number;
  readonly hostPerMinute: number;
  /** Ids whose URL is on one host. */
  readonly idsPerHost: number;
  /** New ids a day from one source address. */
  readonly newIdsPerAddress: number;
  /** Ids that are stored, in all. */
  readonly ids: number;
  /** Requests under way at a time. */
  readonly concurrent: number;
  /** Ids whose URL is on one of the relays on the list. */
  readonly idsPerRelay: number;
  /** Calls to all nodes of one of those relays. */
  readonly relayPerMinute: number;
}

export const DEFAULT_LIMITS: DirectoryLimits = {
  addressPerMinute: 1_200,
  identityPerMinute: 60,
  hostInFlight: 2,
  hostPerMinute: 30,
  idsPerHost: 1_000,
  newIdsPerAddress: 100,
  ids: 2_000_000,
  concurrent: 1_000,
  idsPerRelay: 10_000,
  relayPerMinute: 6_000,
};

export const DEFAULT_LEASE_MS = 3_600_000;

/** A directory of another operator. */
export interface PeerDirectory {
  /** Equal to `api_url` of its record. */
  readonly url: string;
  readonly id: NodeId;
}

export interface DirectoryConfig {
  /** The public base URL, equal to `api_url` of the directory's record. */
  readonly url: string;
  readonly version: string;
  readonly leaseMs: number;
  readonly rotation: RotationPolicy;
  /** Whether nodes may announce private addresses and `http` names. */
  readonly allowPrivate: boolean;
  /** Whose word counts on where a request came from. */
  readonly trustedProxies: TrustedProxies;
  /** Relays whose nodes are counted one by one; its own, where it is one, among them. */
  readonly relays: readonly string[];
  /** Whose they are, by URL, as far as the operator has written it down. */
  readonly relayIds?: ReadonlyMap<string, NodeId>;
  /** Whether it is a relay too, which its record tells. */
  readonly isRelay: boolean;
  readonly limits: DirectoryLimits;
  /** Whether ids that are new need a key of this directory. */
  readonly inviteOnly?: boolean;
  /** Whether `/metrics` is off the public listener, because it has one of its own. */
  readonly hidesMetrics?: boolean;
  /** Directories of others that records are exchanged with; none if absent. */
  readonly peers?: readonly PeerDirectory[];
  /** What sealing the keystore is to cost; the default of the core if absent. */
  readonly keystoreCost?: KeystoreCost;
}
