/**
 * Composition of a relay of its own: what `openred-central relay` alone needs, and `central.ts` loads for it.
 *
 * @module
 */
import { resolve } from "node:path";
import type { WorkerCryptoCore } from "./crypto/client.ts";
import type { CryptoCore } from "./crypto/interface.ts";
import denoConfig from "./deno.json" with { type: "json" };
import { linkPageOf } from "./directory/link_page/answer.ts";
import type { RelayOptions } from "./directory/relay_options.ts";
import { answerWatch } from "./directory/watch.ts";
import { openKeystoreFiles } from "./ports/keystore_files.ts";
import type { Monitor } from "./ports/monitor.ts";
import type { Log } from "./ports/ports.ts";
import { openFiles, systemChannelUpgrader, systemClock, systemRandom } from "./ports/system.ts";
import { createOpenMonitor } from "./ports/system_monitor.ts";
import {
  type CentralRun,
  readyCore,
  runCentral,
  sayReady,
  startError,
} from "./process/central_run.ts";
import { openCertificate } from "./process/certificates.ts";
import { listen, listenForWatchers, type Listening } from "./process/listening.ts";
import { readMetricsToken } from "./process/metrics_token.ts";
import { coreFamilies, listenerFamilies } from "./process/process_families.ts";
import { textOf } from "./process/process_error.ts";
import { OpenRedError } from "./protocol/errors.ts";
import { problemResponse } from "./protocol/http.ts";
import { METRICS_PATH } from "./protocol/metrics.ts";
import { OwnRecord } from "./relay/own_record.ts";
import { createRelay, type Relay } from "./relay/relay.ts";
import { linkPage } from "./relay_link_page.ts";

const ANSWERS_MS = 2_000;
const SHUTDOWN_MS = 5_000;

async function openRecord(
  { dataDirectory: data }: RelayOptions,
  parts: { readonly crypto: CryptoCore; readonly log: Log; readonly url: string },
): Promise<OwnRecord> {
  const { crypto, log, url } = parts;
  const files = openFiles(data);
  try {
    const keys = await openKeystoreFiles({ crypto, files, random: systemRandom });
    return await OwnRecord.start(
      { crypto, clock: systemClock, files, keys, url },
      (error) => log.log("error", "record_failed", { text: textOf(error) }),
    );
  } catch (cause) {
    throw startError(cause, { data, service: "relay" });
  }
}

/**
 * Answers whoever watches. A relay keeps nothing that its work needs, so it is ready as soon as it runs.
 * @returns Ends what was begun for it.
 */
async function answerWatchers(
  listeners: { readonly public: Listening; readonly metrics: Listening },
  { data, crypto, relay }: {
    readonly data: string;
    readonly crypto: WorkerCryptoCore;
    readonly relay: Relay;
  },
): Promise<() => void> {
  const token = await readMetricsToken(openFiles(data), systemRandom);
  const startedMs = systemClock.monotonicMs();
  const openMonitor = createOpenMonitor({
    clock: systemClock,
    data,
    families: () => [
      ...coreFamilies(crypto),
      ...listenerFamilies(listeners),
      ...relay.numbers(),
    ],
  });
  let monitor: Promise<Monitor> | null = null;
  const watched = {
    metrics: async () => await (await (monitor ??= openMonitor([]))).text([]),
    health: () => ({
      status: "ok" as const,
      version: denoConfig.version,
      uptime_s: Math.floor((systemClock.monotonicMs() - startedMs) / 1000),
    }),
    troubles: () => Promise.resolve([]),
  };
  listeners.metrics.answerWith((request) => answerWatch(request, { token, watched }));
  return () => void monitor?.then((open) => open.stop());
}

async function serve(
  options: RelayOptions,
  { log, ending, signal, core }: CentralRun & { readonly core: Promise<WorkerCryptoCore> },
): Promise<void> {
  const { hostname, port, trustedProxies, dataDirectory: data, json } = options;
  using certificate = await openCertificate(options, { log, data, program: "relay", signal });
  const crypto = await readyCore(core);
  ending.needsCore(crypto.ended);
  try {
    await using listening = listen({
      hostname,
      port,
      flag: "--listen",
      name: "relay",
      log,
      trustedProxies,
      url: options.url,
      certificate,
    });
    ending.needs(listening.finished, "Nobody can connect");
    await using watching = listenForWatchers(options.metricsListen, { name: "relay", log });
    const url = options.url ?? listening.origin;
    const own = await ending.unlessFailed(openRecord(options, { crypto, log, url }));
    const relay = await createRelay({
      clock: systemClock,
      random: systemRandom,
      upgrader: systemChannelUpgrader,
      crypto,
      log,
      own,
      linkPage: options.links ? linkPage : null,
    }, { ...options, url });
    const metricsUrl = watching === null ? null : `${watching.origin}${METRICS_PATH}`;
    const nothing = new OpenRedError("not_found", "There is nothing here but a relay");
    const page = linkPageOf(url);
    listening.answerWith((request, address) =>
      relay.handle(request, { address }) ?? page(request) ?? problemResponse(nothing)
    );
    let stopWatching = () => {};
    try {
      if (watching !== null) {
        const listeners = { public: listening, metrics: watching };
        stopWatching = await answerWatchers(listeners, { data, crypto, relay });
      }
      sayReady({ service: "relay", json, data }, { url, id: own.id, metricsUrl });
      await ending.wait(signal);
    } finally {
      own.stop();
      stopWatching();
      await ending.stopInTime(systemClock, {
        limitMs: SHUTDOWN_MS,
        stop: () => {
          relay.stop();
          return listening.shutdown(ANSWERS_MS);
        },
      });
    }
  } finally {
    await crypto.stop().catch(() => {});
  }
}

/**
 * Runs a relay until a signal ends it.
 * @returns The exit code.
 */
export async function runRelay(
  given: RelayOptions,
  core: Promise<WorkerCryptoCore>,
): Promise<number> {
  const options = { ...given, dataDirectory: resolve(given.dataDirectory) };
  return await runCentral(
    { ...options, service: "relay" },
    { core, serve: (run) => serve(options, { ...run, core }) },
  );
}
