/**
 * Composition root of a node and its commands. Becomes the binary `openred-node`.
 *
 * @module
 */
import type { OutputFile } from "./cli/command.ts";
import { CommandError, failure, OutputGone, usageError } from "./cli/command_error.ts";
import { runCommandLine } from "./cli/commands.ts";
import type { Output } from "./cli/output.ts";
import type { RunNode } from "./cli/run.ts";
import type { ModuleKit } from "./cli/module_kit.ts";
import {
  KEYS_PASSPHRASE,
  type PassphrasePorts,
  readNewPassphrase,
  readPassphrase,
} from "./cli/passphrase_source.ts";
import type { RunOptions } from "./cli/run_options.ts";
import { WorkerCryptoCore } from "./crypto/client.ts";
import { encodeBase64Url, encodeUtf8 } from "./crypto/encoding.ts";
import { CryptoError } from "./crypto/interface.ts";
import { resolve } from "node:path";
import project from "./deno.json" with { type: "json" };
import { BUILT_IN_MODULES } from "./modules/built_in.ts";
import { explained, lockData } from "./keeper/data_directory.ts";
import { createNodeKeeper } from "./keeper/node_keeper.ts";
import { type NodeConfig } from "./peer/config.ts";
import { openSandbox } from "./peer/modules/sandbox/open_sandbox.ts";
import { createNode, type Node } from "./peer/node.ts";
import {
  createLog,
  createOpenDatabase,
  holdsFile,
  openFiles,
  systemChannelUpgrader,
  systemClock,
  systemHttpClient,
  systemRandom,
  systemResolver,
} from "./ports/system.ts";
import type { Log } from "./ports/ports.ts";
import { KEYSTORE_FILE } from "./ports/keystore_files.ts";
import { createGrantedFolders } from "./ports/system_granted_folders.ts";
import { openBusyMark } from "./ports/system_busy_mark.ts";
import { createModuleWorkers } from "./ports/system_module_workers.ts";
import { askLine } from "./ports/system_question.ts";
import { createUserFolder, readUserFile } from "./ports/system_user_files.ts";
import { sendLoopback } from "./ports/system_loopback.ts";
import { readNodeSecret } from "./ports/node_secret.ts";
import { createTerminalStream, readHidden, readStandardInput } from "./ports/system_terminal.ts";
import { noteEnvironmentProxies } from "./process/environment_proxy.ts";
import { ServiceEnd } from "./process/service_end.ts";
import { listen, type Listening } from "./process/listening.ts";
import { ProcessError } from "./process/process_error.ts";
import { readRotationPolicy } from "./process/rotation_policy.ts";
import { stopOnSignals } from "./process/signals.ts";
import { ADMIN_FILE } from "./protocol/admin_api.ts";

const STOP_TIMEOUT_MS = 5_000;
const FAILED_STOP_TIMEOUT_MS = 1_000;
/** How long requests and channels may take to end, once the node lets nobody in any more. */
const LAST_ANSWERS_MS = 2_000;
const MAX_SECRET_FILE_BYTES = 4_096;
const DAY_MS = 24 * 3_600_000;

async function readSecretFile(path: string, flag: string): Promise<Uint8Array> {
  const content = await Deno.readFile(path).catch((cause) => {
    throw usageError(`${flag}: cannot read the file ${path}`, { cause });
  });
  if (content.length === 0 || content.length > MAX_SECRET_FILE_BYTES) {
    throw usageError(`${flag}: expected a file of 1 to ${MAX_SECRET_FILE_BYTES} bytes`);
  }
  return content;
}

function configOf(
  options: RunOptions,
  settings: {
    readonly apiUrl: string;
    readonly adminToken: string;
    readonly passphrase: Uint8Array | null;
  },
): NodeConfig {
  const { passphrase, ...others } = settings;
  return {
    ...others,
    ...(passphrase === null ? {} : { passphrase }),
    version: project.version,
    directories: options.directories,
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
    audit: {
      maxBytes: options.auditMaxBytes,
      maxAgeMs: options.auditMaxAgeDays * DAY_MS,
      keepBytes: options.auditKeepBytes,
    },
  };
}

async function composeNode(
  options: RunOptions,
  settings: {
    readonly crypto: WorkerCryptoCore;
    readonly config: NodeConfig;
    readonly log: Log;
  },
): Promise<Node> {
  return await createNode(
    {
      clock: systemClock,
      random: systemRandom,
      http: systemHttpClient,
      resolver: systemResolver,
      crypto: settings.crypto,
      files: openFiles(options.data),
      openDatabase: createOpenDatabase(options.data),
      upgrader: systemChannelUpgrader,
      moduleWorkers: createModuleWorkers(),
      folders: createGrantedFolders(options.data),
      busyMark: openBusyMark(options.data),
      log: settings.log,
    },
    settings.config,
    BUILT_IN_MODULES,
  );
}

/**
 * Stops a node and its listeners, for no longer than it may take: one that failed has little left to end in order.
 * Nobody new is let in first, so that nothing comes to parts that have ended.
 */
async function stopInTime(
  { node, listeners }: { readonly node: Node; readonly listeners: readonly Listening[] },
  ending: ServiceEnd,
): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const limitMs = ending.isFailed ? FAILED_STOP_TIMEOUT_MS : STOP_TIMEOUT_MS;
  const cancel = systemClock.setTimer(limitMs, resolve);
  const stopping = listeners.map((listening) => listening.shutdown(LAST_ANSWERS_MS));
  await Promise.race([Promise.all([...stopping, node.stop()]), late]);
  cancel();
}

const askSecret: PassphrasePorts["askSecret"] = async (prompt, isWhole) => {
  if (!Deno.stdin.isTerminal()) return null;
  const typed = await readHidden(prompt, isWhole).catch((cause) => {
    throw cause instanceof RangeError ? usageError(cause.message, { cause }) : cause;
  });
  if (typed === null) throw failure("Stopped");
  return typed;
};

async function readInput(maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await readStandardInput(maxBytes, signal);
  } catch (cause) {
    throw signal.aborted ? failure("Stopped", { cause }) : cause;
  }
}

function passphrasePorts(signal: AbortSignal): PassphrasePorts {
  return {
    askSecret,
    readSecretFile,
    readInput: (maxBytes) => readInput(maxBytes, signal),
  };
}

/** The passphrase of a node's keys, there or to be made, or `null` where they have none. */
async function passphraseOf(
  options: RunOptions,
  { err, signal }: { readonly err: Output; readonly signal: AbortSignal },
): Promise<Uint8Array | null> {
  const { data, passphraseFile: file } = options;
  const wanted = { ...KEYS_PASSPHRASE, file };
  const stored = await readNodeSecret(openFiles(data));
  if (stored?.kind === "sealed") return await readPassphrase(passphrasePorts(signal), wanted);
  stored?.secret.fill(0);
  if (file !== null) {
    if (!holdsFile(data, KEYSTORE_FILE)) {
      return await readNewPassphrase(passphrasePorts(signal), wanted);
    }
    const text =
      "The node's keys have no passphrase; 'openred-node passphrase set' puts one on them";
    await err.line({ text, style: "yellow" });
  }
  return null;
}

/** A keystore that does not open is nearly always a mistyped passphrase. */
async function openOrExplain<T>(opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (cause) {
    if (!(cause instanceof CryptoError) || cause.code !== "unseal_failed") throw cause;
    throw failure(
      "The node's keys do not open: the passphrase is wrong, or their files are damaged",
      {
        cause,
      },
    );
  }
}

/** Runs a node until `signal` fires, then stops it in order. */
const runNode: RunNode = async (options, streams) => {
  using _lock = lockData(options.data);
  const format = options.json ? "json" : "text";
  const log = createLog({ clock: systemClock, level: options.logLevel, format });
  try {
    await explained(options.data, () => runLocked(options, { ...streams, log }));
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    throw new CommandError(cause.exitCode, cause.message, { cause });
  } finally {
    await log.flush();
  }
};

type RunStreams = Parameters<RunNode>[1] & { readonly log: Log };

async function runLocked(options: RunOptions, streams: RunStreams): Promise<void> {
  const { err, signal, log } = streams;
  const passphrase = await passphraseOf(options, { err, signal });
  const ending = new ServiceEnd(log);
  noteEnvironmentProxies(log, (name) => Deno.env.get(name));
  const { trustedProxies } = options;
  await using peers = listen({
    ...options.listen,
    flag: "--listen",
    name: "node",
    log,
    trustedProxies,
  });
  await using admin = listen({ ...options.adminListen, flag: "--admin-listen", name: "node", log });
  const crypto = await WorkerCryptoCore.start();
  ending.watchErrors();
  ending.needsCore(crypto.ended);
  ending.needs(peers.finished, "No node can connect");
  ending.needs(admin.finished, "No command can connect");
  try {
    const adminToken = encodeBase64Url(systemRandom.bytes(32));
    const apiUrl = options.apiUrl ?? peers.origin;
    const config = configOf(options, { apiUrl, adminToken, passphrase });
    const node = await openOrExplain(composeNode(options, { crypto, config, log }));
    peers.answerWith((request, address) => node.handle(request, { address }));
    admin.answerWith((request) => node.handleAdmin(request));
    try {
      await ending.unlessFailed(node.start());
      await serveCommands(options, {
        ...streams,
        node,
        apiUrl,
        ending,
        admin: { url: admin.origin, token: adminToken },
      });
    } finally {
      await stopInTime({ node, listeners: [peers, admin] }, ending);
    }
  } finally {
    await crypto.stop().catch(() => {});
  }
}

/** Lets the commands find this node, and says that it is ready, until it is to end. */
async function serveCommands(
  options: RunOptions,
  parts: RunStreams & {
    readonly node: Node;
    readonly apiUrl: string;
    readonly ending: ServiceEnd;
    readonly admin: { readonly url: string; readonly token: string };
  },
): Promise<void> {
  const { node, apiUrl, ending, admin, out, signal } = parts;
  const files = openFiles(options.data);
  try {
    await files.write(ADMIN_FILE, encodeUtf8(JSON.stringify({ ...admin, pid: Deno.pid })));
    if (options.json) {
      await out.raw(`ready ${JSON.stringify({ url: apiUrl, id: node.id })}\n`);
    } else {
      await out.pairs([
        ["Node", { text: node.id, style: "bold" }],
        ["URL", apiUrl],
        ["Data", options.data],
        ["Stop", "Ctrl-C"],
      ]);
    }
    await ending.wait(signal);
  } finally {
    await files.remove(ADMIN_FILE);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Whoever started the node from another folder would make a second identity by starting one here. */
function noData(data: string, cause: unknown): CommandError {
  const folder = resolve(data);
  return failure(
    `There is no data directory ${folder}; say with --data where that of the node is`,
    { cause },
  );
}

async function readAdminFile(data: string): Promise<Uint8Array | null> {
  try {
    return await Deno.readFile(`${data}/${ADMIN_FILE}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      if (!await isThere(data)) throw noData(data, cause);
      return null;
    }
    throw failure("--data: cannot read admin.json there; it belongs to whoever runs the node", {
      cause,
    });
  }
}

async function writeAll(
  stream: { write(content: Uint8Array): Promise<number> },
  content: Uint8Array,
): Promise<void> {
  for (let at = 0; at < content.length;) at += await stream.write(content.subarray(at));
}

async function createFile(path: string): Promise<OutputFile> {
  if (path === "-") {
    return {
      write: (content) => writeAll(Deno.stdout, content),
      close: () => Promise.resolve(),
      discard: () => Promise.resolve(),
    };
  }
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (cause) {
    const exists = cause instanceof Deno.errors.AlreadyExists;
    throw failure(`${path}: ${exists ? "this file exists already" : "cannot be made"}`, { cause });
  }
  return {
    write: (content) => writeAll(file, content),
    async close() {
      await file.sync();
      file.close();
    },
    async discard() {
      file.close();
      await Deno.remove(path);
    },
  };
}

/** The file runs in this process, which has no node in it: whatever it does, no node ends by it. */
async function inspectModule(code: string): Promise<unknown> {
  const moduleWorkers = createModuleWorkers();
  try {
    const opened = await openSandbox({ clock: systemClock, moduleWorkers }, {
      name: "module",
      code,
    });
    return opened.module.manifest;
  } finally {
    await moduleWorkers.stop();
  }
}

const moduleKit: ModuleKit = {
  builtInNames: BUILT_IN_MODULES.map(({ name }) => name),
  inspect: inspectModule,
  async readFile(path, maxBytes) {
    return await readUserFile(path, maxBytes).catch((cause) => {
      if (cause instanceof RangeError) throw cause;
      throw usageError(`${path}: cannot read this file`, { cause });
    });
  },
  async createFolder(path, files) {
    await createUserFolder(path, files).catch((cause) => {
      const exists = cause instanceof Deno.errors.AlreadyExists;
      throw failure(`${path}: ${exists ? "there is something of this name" : "cannot be made"}`, {
        cause,
      });
    });
  },
};

async function main(): Promise<number> {
  const stop = new AbortController();
  stopOnSignals(stop);
  return await runCommandLine({
    env: (name) => Deno.env.get(name),
    out: createTerminalStream(Deno.stdout, () => stop.abort(new OutputGone())),
    err: createTerminalStream(Deno.stderr, () => stop.abort()),
    clock: systemClock,
    signal: stop.signal,
    send: sendLoopback,
    random: systemRandom,
    readInput: (maxBytes) => readInput(maxBytes, stop.signal),
    createFile,
    askSecret,
    readSecretFile,
    askLine,
    moduleKit,
    keeper: createNodeKeeper({ version: project.version }),
    readAdminFile,
    runNode,
  }, { args: Deno.args, version: project.version });
}

if (import.meta.main) Deno.exit(await main());
