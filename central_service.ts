/**
 * Composition of a directory that runs: what `openred-central run` alone needs, and `central.ts` loads for it.
 *
 * @module
 */
import type { WorkerCryptoCore } from "./crypto/client.ts";
import { CryptoError } from "./crypto/interface.ts";
import denoConfig from "./deno.json" with { type: "json" };
import type { CentralOptions } from "./directory/options.ts";
import type { SharedPorts } from "./directory/parts.ts";
import { createDirectory, type Directory } from "./directory/service.ts";
import { SqliteStore } from "./directory/stores/sqlite.ts";
import type { DirectoryStore } from "./directory/stores/store.ts";
import type { Log } from "./ports/ports.ts";
import { explainStorage } from "./ports/storage_problem.ts";
import {
  createOpenDatabase,
  createSystemHttpClient,
  type DirectoryLock,
  DirectoryLockedError,
  holdsFile,
  lockDirectory,
  openFiles,
  systemClock,
  type SystemLog,
  systemRandom,
  systemResolver,
} from "./ports/system.ts";
import { createOpenMonitor } from "./ports/system_monitor.ts";
import { LOCK_NAME } from "./ports/system_lock.ts";
import { noteEnvironmentProxies } from "./process/environment_proxy.ts";
import { ServiceEnd } from "./process/service_end.ts";
import { openCertificate, readAuthorities } from "./process/certificates.ts";
import { listen, type Listening } from "./process/listening.ts";
import { readMetricsToken } from "./process/metrics_token.ts";
import { coreFamilies, listenerFamilies } from "./process/process_families.ts";
import { openLog } from "./process/opened_log.ts";
import { ProcessError, textOf } from "./process/process_error.ts";
import { readRotationPolicy } from "./process/rotation_policy.ts";
import { stopOnSignals } from "./process/signals.ts";
import { tell } from "./process/telling.ts";
import { OpenRedError } from "./protocol/errors.ts";

/** How long requests under way may take to be answered at the end. */
const ANSWERS_MS = 10_000;
/** Whatever has not ended by then is left as it is. */
const SHUTDOWN_MS = 12_000;

/** What an openred-node keeps its peers and messages in. */
const NODE_FILE = "node.db";

function lock(path: string): DirectoryLock {
  try {
    if (!holdsFile(path, NODE_FILE)) return lockDirectory(path);
  } catch (cause) {
    const place = { data: path, database: LOCK_NAME, repair: "remove it" };
    const message = cause instanceof DirectoryLockedError
      ? cause.message
      : explainStorage(cause, place) ?? `Cannot use the data directory ${path}: ${textOf(cause)}`;
    throw new ProcessError(1, message, { cause });
  }
  const message = `--data ${path} belongs to an openred-node; give the directory one of its own`;
  throw new ProcessError(1, message);
}

/** An error of the store, or of the keys, in words for the operator. */
function startError({ dataDirectory, redis }: CentralOptions, error: unknown): ProcessError {
  if (error instanceof ProcessError) return error;
  if (redis !== null && error instanceof CryptoError && error.code === "unseal_failed") {
    const message =
      "The directory's keys do not open: --store-key-file is not what they were sealed under";
    return new ProcessError(1, message, { cause: error });
  }
  const root = error instanceof OpenRedError ? error.cause ?? error : error;
  const explained = explainStorage(root, {
    data: dataDirectory,
    database: "directory.db",
    repair: "restore a copy of it, or remove it: nodes register again",
  });
  const message = explained ?? `Cannot start the directory in ${dataDirectory}: ${textOf(error)}`;
  return new ProcessError(1, message, { cause: error });
}

async function ready(core: Promise<WorkerCryptoCore>): Promise<WorkerCryptoCore> {
  try {
    return await core;
  } catch (cause) {
    throw new ProcessError(1, textOf(cause), { cause });
  }
}

interface ComposeParts {
  readonly log: Log;
  readonly crypto: WorkerCryptoCore;
  readonly url: string;
  readonly listeners: Readonly<Record<string, Listening>>;
}

async function start(options: CentralOptions, parts: ComposeParts): Promise<Directory> {
  try {
    const directory = compose(options, { ...parts, ...await openStore(options, parts.log) });
    await directory.start();
    return directory;
  } catch (cause) {
    throw startError(options, cause);
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
  return { store: new SqliteStore(createOpenDatabase(dataDirectory), systemClock) };
}

function compose(options: CentralOptions, parts: ComposeParts & OpenedStore): Directory {
  const { log, crypto, url, listeners, store, shared } = parts;
  const { allowPrivate, trustedProxies, leaseMs, limits, dataDirectory } = options;
  const rotation = readRotationPolicy(options);
  return createDirectory({
    clock: systemClock,
    random: systemRandom,
    http: createSystemHttpClient({ authorities: readAuthorities(options.ca) }),
    resolver: systemResolver,
    files: openFiles(dataDirectory),
    store,
    ...(shared === undefined ? {} : { shared }),
    crypto,
    log,
    openMonitor: createOpenMonitor({
      clock: systemClock,
      data: dataDirectory,
      families: () => [...coreFamilies(crypto), ...listenerFamilies(listeners)],
    }),
  }, {
    url,
    version: denoConfig.version,
    rotation,
    leaseMs,
    allowPrivate,
    trustedProxies,
    limits,
    hidesMetrics: options.metricsListen !== null,
    peers: options.peers,
  });
}

function sayReady(
  options: CentralOptions,
  { watching, ...content }: {
    readonly url: string;
    readonly id: string;
    readonly watching: Listening | null;
  },
): void {
  const metrics = watching === null ? {} : { metrics_url: `${watching.origin}/metrics` };
  const text = options.json
    ? `ready ${JSON.stringify({ ...content, ...metrics })}\n`
    : `The directory is ready.\n  URL  ${content.url}\n  id   ${content.id}\n` +
      `  data ${options.dataDirectory}\n` +
      (watching === null ? "" : `  metrics ${watching.origin}/metrics\n`);
  tell(Deno.stdout, text);
}

/** The listener for whoever watches the directory, or `null` where nobody asked for one. */
function listenForWatchers({ metricsListen }: CentralOptions, log: Log): Listening | null {
  if (metricsListen === null) return null;
  return listen({ ...metricsListen, flag: "--metrics-listen", name: "directory", log });
}

async function serve(
  options: CentralOptions,
  parts: {
    readonly core: Promise<WorkerCryptoCore>;
    readonly log: SystemLog;
    readonly ending: ServiceEnd;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { core, log, ending, signal } = parts;
  const { hostname, port, trustedProxies } = options;
  noteEnvironmentProxies(log, (name) => Deno.env.get(name));
  using certificate = await openCertificate(options, log);
  const crypto = await ready(core);
  ending.needsCore(crypto.ended);
  try {
    const listening = listen({
      hostname,
      port,
      flag: "--listen",
      name: "directory",
      log,
      trustedProxies,
      certificate,
    });
    ending.needs(listening.finished, "Nobody can connect");
    let directory: Directory | null = null;
    let watching: Listening | null = null;
    try {
      watching = listenForWatchers(options, log);
      const listeners = { public: listening, ...(watching === null ? {} : { metrics: watching }) };
      const url = options.url ?? listening.origin;
      const starting = start(options, { log, crypto, url, listeners });
      const started = await ending.unlessFailed(starting);
      directory = started;
      listening.answerWith((request, address) => started.handle(request, { address }));
      if (watching !== null) {
        const token = await readMetricsToken(openFiles(options.dataDirectory), systemRandom);
        watching.answerWith((request) => started.handleWatch(request, token));
      }
      sayReady(options, { url, id: directory.id, watching });
      await ending.wait(signal);
      log.log("info", "directory_stopping");
    } finally {
      await ending.stopInTime(systemClock, {
        limitMs: SHUTDOWN_MS,
        stop: async (limitMs) => {
          const graceMs = Math.min(ANSWERS_MS, limitMs);
          await listening.shutdown(graceMs);
          await watching?.shutdown(0);
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
  options: CentralOptions,
  core: Promise<WorkerCryptoCore>,
): Promise<number> {
  let log: SystemLog;
  try {
    log = await openLog(options);
  } catch (error) {
    core.then((started) => started.stop()).catch(() => {});
    tell(Deno.stderr, `error: ${textOf(error)}\n`);
    return error instanceof ProcessError ? error.exitCode : 1;
  }
  const ending = new ServiceEnd(log);
  ending.watchErrors();
  const stop = new AbortController();
  stopOnSignals(stop);
  let held: DirectoryLock | null = null;
  try {
    held = lock(options.dataDirectory);
    await serve(options, { core, log, ending, signal: stop.signal });
    return 0;
  } catch (error) {
    if (!options.json) tell(Deno.stderr, `error: ${textOf(error)}\n`);
    // The log has said already why a service failed.
    else if (!ending.isFailed) log.log("error", "start_failed", { text: textOf(error) });
    return error instanceof ProcessError ? error.exitCode : 1;
  } finally {
    held?.release();
    await log.flush();
  }
}
