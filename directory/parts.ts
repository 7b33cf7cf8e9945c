/**
 * The ports a directory is composed of, and the parts its calls share.
 *
 * @module
 */
import type { CryptoCore } from "../crypto/interface.ts";
import type { OpenMonitor } from "../ports/monitor.ts";
import type { Clock, Files, HttpClient, Log, Random, Resolver } from "../ports/ports.ts";
import type { CalledHosts } from "./called_hosts.ts";
import type { DirectoryConfig } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import type { OwnRecord } from "./own_record.ts";
import type { DirectoryStore } from "./stores/store.ts";

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
}

/** What the calls of a running directory share. */
export interface DirectoryParts extends DirectoryPorts {
  readonly config: DirectoryConfig;
  readonly own: OwnRecord;
  readonly hosts: CalledHosts;
  readonly metrics: Metrics;
}
