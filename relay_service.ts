/**
 * Composition of a relay of its own: what `openred-central relay` alone needs, and `central.ts` loads for it.
 *
 * @module
 */
import { resolve } from "node:path";
import type { WorkerCryptoCore } from "./crypto/client.ts";
import type { CryptoCore } from "./crypto/interface.ts";
import type { RelayOptions } from "./directory/relay_options.ts";
import { openKeystoreFiles } from "./ports/keystore_files.ts";
import type { Log } from "./ports/ports.ts";
import { openFiles, systemChannelUpgrader, systemClock, systemRandom } from "./ports/system.ts";
import {
  type CentralRun,
  readyCore,
  runCentral,
  sayReady,
  startError,
} from "./process/central_run.ts";
import { openCertificate } from "./process/certificates.ts";
import { listen } from "./process/listening.ts";
import { textOf } from "./process/process_error.ts";
import { OpenRedError } from "./protocol/errors.ts";
import { problemResponse } from "./protocol/http.ts";
import { OwnRecord } from "./relay/own_record.ts";
import { createRelay } from "./relay/relay.ts";

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
    const url = options.url ?? listening.origin;
    const own = await ending.unlessFailed(openRecord(options, { crypto, log, url }));
    const relay = await createRelay({
      clock: systemClock,
      random: systemRandom,
      upgrader: systemChannelUpgrader,
      crypto,
      log,
      own,
    }, { ...options, url });
    const nothing = new OpenRedError("not_found", "There is nothing here but a relay");
    listening.answerWith((request, address) =>
      relay.handle(request, { address }) ?? problemResponse(nothing)
    );
    try {
      sayReady({ service: "relay", json, data }, { url, id: own.id });
      await ending.wait(signal);
    } finally {
      own.stop();
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
