/**
 * The ports a directory is composed of, and the parts its calls share.
 *
 * @module
 */
import type { CryptoCore } from "../crypto/interface.ts";
import type { OpenMonitor } from "../ports/monitor.ts";
import type { Clock, Files, HttpClient, Log, Random, Resolver } from "../ports/ports.ts";
import type { Exchange } from "./exchange.ts";
import type { CalledHosts } from "./called_hosts.ts";
import type { DirectoryConfig } from "./config.ts";
import type { Limits } from "./limiters.ts";
import type { Metrics } from "./metrics.ts";
import type { OwnRecord } from "./own_record.ts";
import type { SharedCounters } from "./shared_limits.ts";
import type { DirectoryStore } from "./stores/store.ts";

/** What a directory that is several processes has besides the store that they share. */
export interface SharedPorts {
  readonly counters: SharedCounters;
  /** A copy of what the keys in the store are sealed under, for the crypto core to wipe. */
  readonly keySecret: () => Uint8Array;
  /** Has an own value put back where the store has lost it. */
  keepOwn(name: string, value: string): void;
}

/** Everything outside a directory. */
export interface DirectoryPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly resolver: Resolver;
  readonly crypto: CryptoCore;
  readonly files: Files;
  readonly log: Log;
  readonly openMonitor: OpenMonitor;
  /** Opened by the caller, closed by the directory when it stops. */
  readonly store: DirectoryStore;
  /** Absent for a directory that is one process. */
  readonly shared?: SharedPorts;
}

/** What the calls of a running directory share. */
export interface DirectoryParts extends DirectoryPorts {
  readonly config: DirectoryConfig;
  readonly own: OwnRecord;
  readonly hosts: CalledHosts;
  readonly limits: Limits;
  readonly exchange: Exchange;
  readonly metrics: Metrics;
}
