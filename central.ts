/**
 * Composition root of the directory service, the binary `openred-central`.
 *
 * @module
 */
import { WorkerCryptoCore } from "./crypto/client.ts";
import type { CryptoCore, RotationPolicy } from "./crypto/interface.ts";
import denoConfig from "./deno.json" with { type: "json" };
import { parseOptions, type RunOptions } from "./directory/options.ts";
import { createDirectory, type Directory } from "./directory/service.ts";
import { SqliteStore } from "./directory/stores/sqlite.ts";
import type { Log } from "./ports/ports.ts";
import { explainStorage } from "./ports/storage_problem.ts";
import {
  createLog,
  createOpenDatabase,
  type DirectoryLock,
  DirectoryLockedError,
  holdsFile,
  lockDirectory,
  openFiles,
  systemClock,
  systemHttpClient,
  systemRandom,
  systemResolver,
} from "./ports/system.ts";
import { LOCK_NAME } from "./ports/system_lock.ts";
import { OpenRedError } from "./protocol/errors.ts";
import { problemResponse } from "./protocol/http.ts";
import { NETWORK_SEED_BYTES } from "./protocol/network_seed.ts";

/** Whoever does not let go of a connection by then loses it. */
const SHUTDOWN_MS = 12_000;

/** What an openred-node keeps its peers and messages in. */
const NODE_FILE = "node.db";

/** Something the operator has to put right; said without a stack. */
class StartError extends Error {
  override readonly name = "StartError";
  readonly exitCode: 1 | 2;

  constructor(message: string, options: ErrorOptions & { readonly exitCode: 1 | 2 }) {
    super(message, options);
    this.exitCode = options.exitCode;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}

function readRotation({ rotation, networkSeedFile }: RunOptions): RotationPolicy {
  if (rotation !== "seeded") return { kind: rotation };
  const path = networkSeedFile!;
  let seed: Uint8Array;
  try {
    seed = Deno.readFileSync(path);
  } catch (cause) {
    const message = `Cannot read --network-seed-file ${path}: ${textOf(cause)}`;
    throw new StartError(message, { exitCode: 2, cause });
  }
  const { min, max } = NETWORK_SEED_BYTES;
  if (seed.length < min || seed.length > max) {
    const message =
      `--network-seed-file ${path} has ${seed.length} bytes, expected ${min} to ${max}`;
    throw new StartError(message, { exitCode: 2 });
  }
  return { kind: "seeded", seed };
}

function lock(path: string): DirectoryLock {
  try {
    if (!holdsFile(path, NODE_FILE)) return lockDirectory(path);
  } catch (cause) {
    const place = { data: path, database: LOCK_NAME, repair: "remove it" };
    const message = cause instanceof DirectoryLockedError
      ? cause.message
      : explainStorage(cause, place) ?? `Cannot use the data directory ${path}: ${textOf(cause)}`;
    throw new StartError(message, { exitCode: 1, cause });
  }
  const message = `--data ${path} belongs to an openred-node; give the directory one of its own`;
  throw new StartError(message, { exitCode: 1 });
}

/** An error of the store, or of the keys, in words for the operator. */
function startError(dataDirectory: string, error: unknown): StartError {
  if (error instanceof StartError) return error;
  const root = error instanceof OpenRedError ? error.cause ?? error : error;
  const explained = explainStorage(root, {
    data: dataDirectory,
    database: "directory.db",
    repair: "restore a copy of it, or remove it: nodes register again",
  });
  const message = explained ?? `Cannot start the directory in ${dataDirectory}: ${textOf(error)}`;
  return new StartError(message, { exitCode: 1, cause: error });
}

async function startCore(): Promise<CryptoCore> {
  try {
    return await WorkerCryptoCore.start();
  } catch (cause) {
    throw new StartError(textOf(cause), { exitCode: 1, cause });
  }
}

/** Listens at once, so that the port is known, and answers `503` until the directory has started. */
function listen(
  options: RunOptions,
  current: () => Directory | null,
): { server: Deno.HttpServer<Deno.NetAddr>; address: string } {
  const starting = new OpenRedError("overloaded", "The directory is starting", {
    retryAfterMs: 1000,
  });
  const { hostname, port } = options;
  try {
    const server = Deno.serve({ hostname, port, onListen() {} }, (request, { remoteAddr }) => {
      const directory = current();
      if (directory === null) return problemResponse(starting);
      return directory.handle(request, { address: remoteAddr.hostname });
    });
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    return { server, address: `${host}:${server.addr.port}` };
  } catch (cause) {
    const message = `Cannot listen on ${hostname}:${port}: ${textOf(cause)}`;
    throw new StartError(message, { exitCode: 1, cause });
  }
}

async function start(
  options: RunOptions,
  parts: { log: Log; crypto: CryptoCore; url: string },
): Promise<Directory> {
  try {
    const directory = compose(options, parts);
    await directory.start();
    return directory;
  } catch (cause) {
    throw startError(options.dataDirectory, cause);
  }
}

function compose(
  options: RunOptions,
  parts: { log: Log; crypto: CryptoCore; url: string },
): Directory {
  const { log, crypto, url } = parts;
  const { allowPrivate, trustedProxies, leaseMs, limits, dataDirectory } = options;
  const rotation = readRotation(options);
  return createDirectory({
    clock: systemClock,
    random: systemRandom,
    http: systemHttpClient,
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
    limits,
  });
}

/** Resolves at the first SIGINT or SIGTERM; the second one ends the process at once. */
function interrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isSecond = false;
  const stop = () => {
    if (isSecond) Deno.exit(130);
    isSecond = true;
    resolve();
  };
  Deno.addSignalListener("SIGINT", stop);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
  return promise;
}

function sayReady(options: RunOptions, content: { url: string; id: string }): void {
  const text = options.json
    ? `ready ${JSON.stringify(content)}\n`
    : `The directory is ready.\n  URL  ${content.url}\n  id   ${content.id}\n` +
      `  data ${options.dataDirectory}\n`;
  write(Deno.stdout, text);
}

async function serveUntilInterrupted(options: RunOptions, log: Log): Promise<void> {
  const end = interrupted();
  const crypto = await startCore();
  let directory: Directory | null = null;
  const { server, address } = listen(options, () => directory);
  try {
    const url = options.url ?? `http://${address}`;
    directory = await start(options, { log, crypto, url });
    sayReady(options, { url, id: directory.id });
    await end;
    log.log("info", "directory_stopping");
    const cancel = systemClock.setTimer(SHUTDOWN_MS, () => Deno.exit(1));
    await server.shutdown();
    await directory.stop();
    cancel();
  } finally {
    await crypto.stop();
  }
}

async function run(options: RunOptions): Promise<number> {
  const format = options.json ? "json" : "text";
  const log = createLog({ clock: systemClock, level: options.logLevel, format });
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.log("error", "unhandled_rejection", { cause: textOf(event.reason) });
  });
  let held: DirectoryLock | null = null;
  try {
    held = lock(options.dataDirectory);
    await serveUntilInterrupted(options, log);
    return 0;
  } catch (error) {
    write(Deno.stderr, `error: ${textOf(error)}\n`);
    return error instanceof StartError ? error.exitCode : 1;
  } finally {
    held?.release();
  }
}

/** Runs a command line. @returns The exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, {
    version: denoConfig.version,
    out: (text) => write(Deno.stdout, text),
    err: (text) => write(Deno.stderr, text),
  });
  return parsed.kind === "exit" ? parsed.code : await run(parsed.options);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
