/**
 * Composition of a directory that runs: what `openred-central run` alone needs, and `central.ts` loads for it.
 *
 * @module
 */
import { resolve } from "node:path";
import type { ListenerThreads, ThreadsOptions } from "./central_threads.ts";
import type { WorkerCryptoCore } from "./crypto/client.ts";
import { CryptoError, type RotationPolicy } from "./crypto/interface.ts";
import denoConfig from "./deno.json" with { type: "json" };
import type { CentralOptions } from "./directory/options.ts";
import type { SharedPorts } from "./directory/parts.ts";
import { limitsOfOne } from "./ports/listener_limits.ts";
import { createDirectory, type Directory } from "./directory/service.ts";
import { LAYOUT } from "./directory/stores/sqlite_schema.ts";
import { SqliteStore } from "./directory/stores/sqlite.ts";
import type { DirectoryStore } from "./directory/stores/store.ts";
import type { Log } from "./ports/ports.ts";
import {
  createOpenDatabase,
  createSystemHttpClient,
  openFiles,
  systemChannelUpgrader,
  systemClock,
  systemRandom,
  systemResolver,
} from "./ports/system.ts";
import { createWriteAhead } from "./ports/system_write_ahead.ts";
import { createOpenMonitor } from "./ports/system_monitor.ts";
import {
  type CentralRun,
  readyCore,
  runCentral,
  sayReady,
  startError,
} from "./process/central_run.ts";
import { makeAdminToken, withAdminFile } from "./process/admin_file.ts";
import { keepFormerDatabase } from "./process/former_database.ts";
import { noteEnvironmentProxies } from "./process/environment_proxy.ts";
import { openCertificate, readAuthorities } from "./process/certificates.ts";
import { type Answer, listen, listenForWatchers, type Listening } from "./process/listening.ts";
import { readMetricsToken } from "./process/metrics_token.ts";
import { coreFamilies, listenerFamilies } from "./process/process_families.ts";
import { ProcessError, textOf } from "./process/process_error.ts";
import { readRotationPolicy } from "./process/rotation_policy.ts";
import { METRICS_PATH } from "./protocol/metrics.ts";
import { createRelay, type Relay } from "./relay/relay.ts";
import { linkPage } from "./relay_link_page.ts";

/** How long requests under way may take to be answered at the end. */
const ANSWERS_MS = 10_000;
/** For the commands of this machine, which find it by the file. */
const ADMIN_LISTEN = { hostname: "127.0.0.1", port: 0 };
/** Whatever has not ended by then is left as it is. */
const SHUTDOWN_MS = 12_000;

/** An error of the store, or of the keys, in words for the operator. */
function explain({ dataDirectory: data, redis }: CentralOptions, error: unknown): ProcessError {
  if (redis !== null && error instanceof CryptoError && error.code === "unseal_failed") {
    const message =
      "The directory's keys do not open: --store-key-file is not what they were sealed under";
    return new ProcessError(1, message, { cause: error });
  }
  return startError(error, { data, service: "directory" });
}

interface ComposeParts {
  readonly log: Log;
  readonly crypto: WorkerCryptoCore;
  readonly url: string;
  readonly listeners: Readonly<Record<string, Pick<Listening, "connections">>>;
  /** The relay beside it, once there is one. */
  readonly relay: () => Relay | null;
}

async function start(options: CentralOptions, parts: ComposeParts): Promise<Directory> {
  try {
    // What an option names is read before anything is written.
    const named = {
      rotation: readRotationPolicy(options),
      authorities: readAuthorities(options.ca),
    };
    const opened = await openStore(options, parts.log);
    const directory = compose(options, { ...parts, ...named, ...opened });
    await directory.start();
    return directory;
  } catch (cause) {
    throw explain(options, cause);
  }
}

interface OpenedStore {
  readonly store: DirectoryStore;
  readonly shared?: SharedPorts;
}

async function openStore(
  { redis, dataDirectory }: CentralOptions,
  log: Log,
): Promise<OpenedStore> {
  if (redis !== null) return await (await import("./central_redis.ts")).openSharedStore(redis, log);
  const former = { data: dataDirectory, name: "directory.db", layout: LAYOUT };
  const name = await keepFormerDatabase(former);
  if (name !== null) log.log("info", "database_kept", { name });
  const writeAhead = createWriteAhead(dataDirectory, { name: "directory.db", log });
  return { store: new SqliteStore(createOpenDatabase(dataDirectory), systemClock, writeAhead) };
}

function compose(
  options: CentralOptions,
  parts: ComposeParts & OpenedStore & {
    readonly rotation: RotationPolicy;
    readonly authorities: readonly string[];
  },
): Directory {
  const { log, crypto, url, listeners, store, shared, rotation, authorities } = parts;
  const { allowPrivate, trustedProxies, leaseMs, limits, dataDirectory, relays, relay } = options;
  return createDirectory({
    clock: systemClock,
    random: systemRandom,
    http: createSystemHttpClient({ authorities }),
    resolver: systemResolver,
    files: openFiles(dataDirectory),
    store,
    ...(shared === undefined ? {} : { shared }),
    crypto,
    log,
    openMonitor: createOpenMonitor({
      clock: systemClock,
      data: dataDirectory,
      families: () => [
        ...coreFamilies(crypto),
        ...listenerFamilies(listeners),
        ...(parts.relay()?.numbers() ?? []),
      ],
    }),
  }, {
    url,
    version: denoConfig.version,
    rotation,
    leaseMs,
    allowPrivate,
    inviteOnly: options.inviteOnly,
    trustedProxies,
    relays: [...relays.map((one) => one.url), ...(relay === null ? [] : [url])],
    relayIds: new Map(relays.flatMap((one) => one.id === null ? [] : [[one.url, one.id]])),
    isRelay: relay !== null,
    limits,
    hidesMetrics: options.metricsListen !== null,
    peers: options.peers,
  });
}

/** The relay beside a directory has that one's id and record. */
function createOwnRelay(
  options: CentralOptions,
  parts: { readonly log: Log; readonly crypto: WorkerCryptoCore; readonly url: string },
  directory: Directory,
): Promise<Relay | null> {
  const { relay, trustedProxies } = options;
  if (relay === null) return Promise.resolve(null);
  const { log, crypto, url } = parts;
  return createRelay({
    clock: systemClock,
    random: systemRandom,
    upgrader: systemChannelUpgrader,
    crypto,
    log,
    own: directory.own,
    linkPage: relay.links ? linkPage : null,
  }, { ...relay, url, trustedProxies });
}

/** Those that listen beside this one; `null` where this one is all. */
async function startThreads(
  { threads, hostname }: CentralOptions,
  parts: Pick<ThreadsOptions, "log" | "certificate" | "answer"> & { readonly listening: Listening },
  directory: Directory,
): Promise<ListenerThreads | null> {
  if (threads === 1) return null;
  const { ListenerThreads } = await import("./central_threads.ts");
  const { port } = parts.listening;
  try {
    const desk = directory.threadDesk();
    return await ListenerThreads.start({ ...parts, hostname, port, threads, desk });
  } catch (cause) {
    throw new ProcessError(1, `--threads ${threads}: ${textOf(cause)}`, { cause });
  }
}

async function serve(
  options: CentralOptions,
  parts: CentralRun & { readonly core: Promise<WorkerCryptoCore> },
): Promise<void> {
  const { core, log, ending, signal } = parts;
  const { hostname, port, trustedProxies, dataDirectory } = options;
  if (options.threads > 1 && Deno.build.os !== "linux") {
    throw new ProcessError(2, "--threads: only Linux spreads connections over several threads");
  }
  noteEnvironmentProxies(log, (name) => Deno.env.get(name));
  using certificate = await openCertificate(options, {
    log,
    data: dataDirectory,
    program: "directory",
    signal,
  });
  const crypto = await readyCore(core);
  ending.needsCore(crypto.ended);
  try {
    const listening = listen({
      hostname,
      port,
      ...(options.threads === 1 ? {} : { shares: "first" }),
      flag: "--listen",
      name: "directory",
      log,
      limits: limitsOfOne(options.threads),
      trustedProxies,
      url: options.url,
      certificate,
    });
    ending.needs(listening.finished, "Nobody can connect");
    let directory: Directory | null = null;
    let relay: Relay | null = null;
    let watching: Listening | null = null;
    let admin: Listening | null = null;
    let threads: ListenerThreads | null = null;
    try {
      watching = listenForWatchers(options.metricsListen, { name: "directory", log });
      admin = listen({ ...ADMIN_LISTEN, flag: "admin", name: "directory", log });
      ending.needs(admin.finished, "No command can connect");
      const all = {
        get connections() {
          return listening.connections + (threads?.connections ?? 0);
        },
      };
      const listeners = { public: all, ...(watching === null ? {} : { metrics: watching }) };
      const url = options.url ?? listening.origin;
      const starting = start(options, { log, crypto, url, listeners, relay: () => relay });
      const started = await ending.unlessFailed(starting);
      directory = started;
      relay = await createOwnRelay(options, { log, crypto, url }, started);
      const answer: Answer = (request, address) =>
        relay?.handle(request, { address }) ?? started.handle(request, { address });
      listening.answerWith(answer);
      threads = await startThreads(options, { log, certificate, listening, answer }, started);
      if (threads !== null) ending.needs(threads.ended, "A thread has ended");
      if (watching !== null) {
        const metricsToken = await readMetricsToken(openFiles(options.dataDirectory), systemRandom);
        watching.answerWith((request) => started.handleWatch(request, metricsToken));
      }
      const { json, dataDirectory: data } = options;
      const metricsUrl = watching === null ? null : `${watching.origin}${METRICS_PATH}`;
      const token = makeAdminToken(systemRandom);
      admin.answerWith((request) => started.handleAdmin(request, token));
      const serves = { url, allow_private: options.allowPrivate };
      await withAdminFile(openFiles(data), { url: admin.origin, token, serves }, async () => {
        const ownRelay = relay === null ? null : url;
        sayReady({ service: "directory", json, data }, {
          url,
          id: started.id,
          relay: ownRelay,
          metricsUrl,
        });
        await ending.wait(signal);
      });
      log.log("info", "directory_stopping");
    } finally {
      await ending.stopInTime(systemClock, {
        limitMs: SHUTDOWN_MS,
        stop: async (limitMs) => {
          const graceMs = Math.min(ANSWERS_MS, limitMs);
          relay?.stop();
          await Promise.all([listening.shutdown(graceMs), threads?.shutdown(graceMs)]);
          await watching?.shutdown(0);
          await admin?.shutdown(0);
          await directory?.stop();
        },
      });
    }
  } finally {
    await crypto.stop().catch(() => {});
  }
}

/**
 * Runs a directory until a signal ends it.
 * @param core May have begun to start before there was a lock; it gets nothing until there is one.
 * @returns The exit code.
 */
export async function runDirectory(
  given: CentralOptions,
  core: Promise<WorkerCryptoCore>,
): Promise<number> {
  const options = { ...given, dataDirectory: resolve(given.dataDirectory) };
  return await runCentral(
    { ...options, service: "directory" },
    { core, serve: (run) => serve(options, { ...run, core }) },
  );
}
