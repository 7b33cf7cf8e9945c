/**
 * How the services of `openred-central` begin and end: log, lock of the data directory, errors in words, exit code.
 *
 * @module
 */
import type { WorkerCryptoCore } from "../crypto/client.ts";
import { RELAY_SEQ_FILE } from "../ports/data_names.ts";
import { explainStorage } from "../ports/storage_problem.ts";
import {
  type DirectoryLock,
  DirectoryLockedError,
  holdsFile,
  lockDirectory,
  type SystemLog,
} from "../ports/system.ts";
import { LOCK_NAME } from "../ports/system_lock.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { type LogChoice, openLog } from "./opened_log.ts";
import { ProcessError, textOf } from "./process_error.ts";
import { ServiceEnd } from "./service_end.ts";
import { stopOnSignals } from "./signals.ts";
import { tell } from "./telling.ts";

/** Whose data a directory is, by the file that it keeps there. */
const DATABASES = {
  node: { file: "node.db", owner: "an openred-node" },
  directory: { file: "directory.db", owner: "a directory" },
  relay: { file: RELAY_SEQ_FILE, owner: "a relay" },
} as const;
export type CentralService = "directory" | "relay";

export interface CentralRun {
  readonly log: SystemLog;
  readonly ending: ServiceEnd;
  readonly signal: AbortSignal;
}

function lock(path: string, service: CentralService): DirectoryLock {
  const others = Object.entries(DATABASES).filter(([name]) => name !== service);
  try {
    const other = others.find(([, { file }]) => holdsFile(path, file));
    if (other === undefined) return lockDirectory(path);
    const message = `--data ${path} belongs to ${
      other[1].owner
    }; give the ${service} one of its own`;
    throw new ProcessError(1, message);
  } catch (cause) {
    if (cause instanceof ProcessError) throw cause;
    const place = { data: path, database: LOCK_NAME, repair: "remove it" };
    const message = cause instanceof DirectoryLockedError
      ? cause.message
      : explainStorage(cause, place) ?? `Cannot use the data directory ${path}: ${textOf(cause)}`;
    throw new ProcessError(1, message, { cause });
  }
}

/** An error of the store, or of the keys, in words for the operator. */
export function startError(
  error: unknown,
  { data, service }: { readonly data: string; readonly service: CentralService },
): ProcessError {
  if (error instanceof ProcessError) return error;
  const root = error instanceof OpenRedError ? error.cause ?? error : error;
  const explained = explainStorage(root, {
    data,
    database: DATABASES[service].file,
    repair: "restore a copy of it, or remove it: nodes register again",
  });
  const message = explained ?? `Cannot start the ${service} in ${data}: ${textOf(error)}`;
  return new ProcessError(1, message, { cause: error });
}

/** @throws {ProcessError} Where the core did not start. */
export async function readyCore(core: Promise<WorkerCryptoCore>): Promise<WorkerCryptoCore> {
  try {
    return await core;
  } catch (cause) {
    throw new ProcessError(1, textOf(cause), { cause });
  }
}

/** Says that a service answers. */
export function sayReady(
  { service, json, data }: {
    readonly service: CentralService;
    readonly json: boolean;
    readonly data: string;
  },
  { metricsUrl = null, relay = null, ...content }: {
    readonly url: string;
    readonly id: string;
    readonly metricsUrl?: string | null;
    /** Where a directory's own relay is. */
    readonly relay?: string | null;
  },
): void {
  const metrics = metricsUrl === null ? {} : { metrics_url: metricsUrl };
  const relayed = relay === null ? {} : { relay };
  const text = json
    ? `ready ${JSON.stringify({ ...content, ...relayed, ...metrics })}\n`
    : `The ${service} is ready.\n  URL  ${content.url}\n  id   ${content.id}\n  data ${data}\n` +
      (relay === null ? "" : `  relay ${relay}; nodes use it with --relay auto\n`) +
      (metricsUrl === null ? "" : `  metrics ${metricsUrl}\n`);
  tell(Deno.stdout, text);
}

/**
 * Runs a service until a signal ends it, alone in its data directory.
 * @returns The exit code.
 */
export async function runCentral(
  options: LogChoice & { readonly service: CentralService; readonly dataDirectory: string },
  { core, serve }: {
    readonly core: Promise<WorkerCryptoCore>;
    readonly serve: (run: CentralRun) => Promise<void>;
  },
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
    held = lock(options.dataDirectory, options.service);
    await serve({ log, ending, signal: stop.signal });
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
