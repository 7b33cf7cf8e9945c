/**
 * Composition of a directory that runs: what `openred-central run` alone needs, and `central.ts` loads for it.
 *
 * @module
 */
import type { WorkerCryptoCore } from "./crypto/client.ts";
import type { CryptoCore } from "./crypto/interface.ts";
import denoConfig from "./deno.json" with { type: "json" };
import type { CentralOptions } from "./directory/options.ts";
import { createDirectory, type Directory } from "./directory/service.ts";
import { SqliteStore } from "./directory/stores/sqlite.ts";
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
import {
  type CentralRun,
  readyCore,
  runCentral,
  sayReady,
  startError,
} from "./process/central_run.ts";
import { noteEnvironmentProxies } from "./process/environment_proxy.ts";
import { openCertificate, readAuthorities } from "./process/certificates.ts";
import { listen } from "./process/listening.ts";
import { readRotationPolicy } from "./process/rotation_policy.ts";
import { createRelay, type Relay } from "./relay/relay.ts";

/** How long requests under way may take to be answered at the end. */
const ANSWERS_MS = 10_000;
/** Whatever has not ended by then is left as it is. */
const SHUTDOWN_MS = 12_000;

async function start(
  options: CentralOptions,
  parts: { log: Log; crypto: CryptoCore; url: string },
): Promise<Directory> {
  try {
    const directory = compose(options, parts);
    await directory.start();
    return directory;
  } catch (cause) {
    throw startError(cause, { data: options.dataDirectory, service: "directory" });
  }
}

function compose(
  options: CentralOptions,
  parts: { log: Log; crypto: CryptoCore; url: string },
): Directory {
  const { log, crypto, url } = parts;
  const { allowPrivate, trustedProxies, leaseMs, limits, dataDirectory, relays, relay } = options;
  const rotation = readRotationPolicy(options);
  return createDirectory({
    clock: systemClock,
    random: systemRandom,
    http: createSystemHttpClient({ authorities: readAuthorities(options.ca) }),
    resolver: systemResolver,
    files: openFiles(dataDirectory),
    store: new SqliteStore(createOpenDatabase(dataDirectory), systemClock),
    crypto,
    log,
  }, {
    url,
    version: denoConfig.version,
    rotation,
    leaseMs,
    allowPrivate,
    trustedProxies,
    relays: relay === null ? relays : [...relays, url],
    isRelay: relay !== null,
    limits,
  });
}

/** The relay beside a directory has that one's id and record. */
function createOwnRelay(
  options: CentralOptions,
  parts: { readonly log: Log; readonly crypto: CryptoCore; readonly url: string },
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
  }, { ...relay, url, trustedProxies });
}

async function serve(
  options: CentralOptions,
  parts: CentralRun & { readonly core: Promise<WorkerCryptoCore> },
): Promise<void> {
  const { core, log, ending, signal } = parts;
  const { hostname, port, trustedProxies } = options;
  noteEnvironmentProxies(log, (name) => Deno.env.get(name));
  using certificate = await openCertificate(options, log);
  const crypto = await readyCore(core);
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
    let relay: Relay | null = null;
    try {
      const url = options.url ?? listening.origin;
      const started = await ending.unlessFailed(start(options, { log, crypto, url }));
      directory = started;
      relay = await createOwnRelay(options, { log, crypto, url }, started);
      listening.answerWith((request, address) =>
        relay?.handle(request, { address }) ?? started.handle(request, { address })
      );
      const { json, dataDirectory: data } = options;
      sayReady({ service: "directory", json, data }, { url, id: directory.id });
      await ending.wait(signal);
      log.log("info", "directory_stopping");
    } finally {
      await ending.stopInTime(systemClock, {
        limitMs: SHUTDOWN_MS,
        stop: (limitMs) => {
          relay?.stop();
          return listening.shutdown(Math.min(ANSWERS_MS, limitMs)).then(() => directory?.stop());
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
  return await runCentral(
    { ...options, service: "directory" },
    (run) => serve(options, { ...run, core }),
  );
}
