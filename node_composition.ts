/**
 * Composition of a node: the real ports, and what the command line says, as the parts of a node take both.
 *
 * @module
 */
import { HintingLog } from "./cli/hinting_log.ts";
import { listenAddress, type RunOptions } from "./cli/run_options.ts";
import type { WorkerBulk } from "./crypto/bulk_client.ts";
import type { WorkerCryptoCore } from "./crypto/client.ts";
import project from "./deno.json" with { type: "json" };
import { PageFiles } from "./modules/console/page_files.ts";
import { BUILT_IN_MODULES } from "./modules/built_in.ts";
import type { NextRun, NodeConfig } from "./peer/config.ts";
import type { KeyForDirectory } from "./peer/directories/directory_parts.ts";
import { createNode, type Node } from "./peer/node.ts";
import type { KeptSettings } from "./ports/kept_settings.ts";
import type { SystemLog } from "./ports/system_log.ts";
import type { Tracing } from "./ports/tracing.ts";
import {
  createOpenDatabase,
  createSystemHttpClient,
  hasOtherNames,
  openFiles,
  systemChannelUpgrader,
  systemClock,
  systemNetworks,
  systemRandom,
  systemResolver,
} from "./ports/system.ts";
import { openBusyMark } from "./ports/system_busy_mark.ts";
import { createOpenBytes } from "./ports/system_byte_streams.ts";
import type { Trust } from "./ports/system_connection.ts";
import { createGrantedFolders } from "./ports/system_granted_folders.ts";
import { createOwnerFiles } from "./ports/system_owner_files.ts";
import { createModuleWorkers } from "./ports/system_module_workers.ts";
import type { ConsoleListening } from "./process/console_listening.ts";
import { createOpenMonitor } from "./ports/system_monitor.ts";
import type { Listening } from "./process/listening.ts";
import { coreFamilies, listenerFamilies } from "./process/process_families.ts";
import { readRotationPolicy } from "./process/rotation_policy.ts";

const DAY_MS = 24 * 3_600_000;

/** What a node is told, as the command line says it. */
export function configOf(
  options: RunOptions,
  settings: {
    readonly apiUrl: string;
    readonly adminToken: string;
    readonly metricsToken: string;
    readonly passphrase: Uint8Array | null;
    readonly consoleLink: string | null;
    readonly console: ConsoleListening;
    readonly lan: NodeConfig["lan"] | null;
  },
): NodeConfig {
  const { passphrase, consoleLink, console, lan, ...others } = settings;
  return {
    ...others,
    ...(passphrase === null ? {} : { passphrase }),
    ...(consoleLink === null ? {} : { consoleLink }),
    version: project.version,
    console: {
      origin: console.origin,
      why: console.why,
      hasFailed: console.hasFailed,
      proxies: options.consoleOrigins,
    },
    directories: options.directories,
    ...(options.relay === null ? {} : { relay: options.relay }),
    directUrls: options.direct.urls,
    ...(lan == null ? {} : { lan }),
    ...(options.alias === null ? {} : { alias: options.alias }),
    unlisted: options.unlisted,
    pq: options.pq,
    rotation: readRotationPolicy(options),
    strangers: options.strangers,
    allowPrivate: options.allowPrivate,
    sessionLifeMs: options.sessionLifeS * 1000,
    maxConnections: options.maxConnections,
    idleConnectionMs: options.idleConnectionS * 1000,
    handshakesPerMinute: options.handshakesPerMinute,
    trustedProxies: options.trustedProxies,
    ...homeOf(),
    audit: {
      maxBytes: options.auditMaxBytes,
      maxAgeMs: options.auditMaxAgeDays * DAY_MS,
      keepBytes: options.auditKeepBytes,
    },
  };
}

/** Where a local network finds the node, whose port the system may have chosen. */
export function lanListener(
  options: RunOptions,
  peers: Listening | null,
): NodeConfig["lan"] | null {
  const address = listenAddress(options);
  if (!options.direct.lan || address === null || peers === null) return null;
  return { hostname: address.hostname, port: Number(new URL(peers.origin).port) };
}

/** The folder of whoever runs the node, as far as the system says. */
function homeOf(): { readonly home?: string } {
  const home = Deno.env.get("HOME") || Deno.env.get("USERPROFILE");
  return home ? { home } : {};
}

/** The node in the data directory, on the real ports. */
export async function composeNode(
  options: RunOptions,
  settings: {
    readonly crypto: WorkerCryptoCore;
    readonly bulk: WorkerBulk;
    readonly config: NodeConfig;
    readonly trust: Trust;
    readonly tracing: Tracing | null;
    readonly directoryKey: KeyForDirectory;
    readonly keptSettings: KeptSettings;
    readonly log: SystemLog;
    readonly dataWords: string;
    readonly listeners: Readonly<Record<string, Listening>>;
    readonly reopen: (next: NextRun) => void;
  },
): Promise<Node> {
  const page = new PageFiles();
  const { crypto, listeners } = settings;
  return await createNode(
    {
      clock: systemClock,
      random: systemRandom,
      http: createSystemHttpClient(settings.trust),
      resolver: systemResolver,
      networks: systemNetworks,
      crypto,
      bulk: settings.bulk,
      openBytes: createOpenBytes(settings.trust),
      files: openFiles(options.data),
      openDatabase: createOpenDatabase(options.data),
      hasOtherNames: (name) => hasOtherNames(options.data, name),
      keptSettings: settings.keptSettings,
      upgrader: systemChannelUpgrader,
      moduleWorkers: createModuleWorkers(),
      folders: createGrantedFolders(options.data),
      disk: createOwnerFiles(options.data),
      busyMark: openBusyMark(options.data),
      consolePage: (request) => page.answer(request),
      whyNoPage: () => page.why(),
      log: new HintingLog(settings.log, settings.dataWords),
      logSwitch: settings.log,
      tracing: settings.tracing,
      directoryKey: settings.directoryKey,
      reopen: settings.reopen,
      openMonitor: createOpenMonitor({
        clock: systemClock,
        data: options.data,
        families: () => [...coreFamilies(crypto), ...listenerFamilies(listeners)],
      }),
    },
    settings.config,
    BUILT_IN_MODULES,
  );
}
