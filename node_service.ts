/**
 * Composition of a node that runs: what `openred-node run` alone needs, and `node.ts` loads for it.
 *
 * @module
 */
import { CommandError, failure } from "./cli/command_error.ts";
import type { Output } from "./cli/output.ts";
import {
  askedAgain,
  KEYS_PASSPHRASE,
  readNewPassphrase,
  readPassphrase,
  triesOf,
} from "./cli/passphrase_source.ts";
import type { RunNode } from "./cli/run.ts";
import { acmeOf, listenAddress, type RunOptions } from "./cli/run_options.ts";
import { SETTINGS_FILE } from "./cli/settings_file.ts";
import { WorkerBulk } from "./crypto/bulk_client.ts";
import { WorkerCryptoCore } from "./crypto/client.ts";
import { encodeUtf8 } from "./crypto/encoding.ts";
import { CryptoError } from "./crypto/interface.ts";
import { composeNode, configOf, lanListener } from "./node_composition.ts";
import project from "./deno.json" with { type: "json" };
import { explained, lockData } from "./keeper/data_directory.ts";
import { withTries } from "./keeper/node_keys.ts";
import type { NextRun } from "./peer/config.ts";
import { finishRestoration, RESTORATION_FILE } from "./peer/data/restoration.ts";
import { type Node } from "./peer/node.ts";
import { KEYSTORE_FILE } from "./ports/keystore_files.ts";
import { readNodeSecret } from "./ports/node_secret.ts";
import type { Log } from "./ports/ports.ts";
import type { SystemLog } from "./ports/system_log.ts";
import type { Tracing } from "./ports/tracing.ts";
import {
  createSystemHttpClient,
  holdsFile,
  openFiles,
  systemClock,
  systemRandom,
} from "./ports/system.ts";
import type { Trust } from "./ports/system_connection.ts";
import { type ConsoleListening, listenConsole } from "./process/console_listening.ts";
import { makeAdminToken, withAdminFile } from "./process/admin_file.ts";
import { noteEnvironmentProxies } from "./process/environment_proxy.ts";
import { openCertificate, readAuthorities } from "./process/certificates.ts";
import { listen, listenForWatchers, type Listening } from "./process/listening.ts";
import { readMetricsToken } from "./process/metrics_token.ts";
import { openLog } from "./process/opened_log.ts";
import { ProcessError } from "./process/process_error.ts";
import { directoryKeysOf } from "./process/directory_keys.ts";
import { ServiceEnd } from "./process/service_end.ts";
import { METRICS_PATH } from "./protocol/metrics.ts";

const STOP_TIMEOUT_MS = 5_000;
/** As long, where the data are to be opened anew: whoever still writes to them must have ended. */
const REOPEN_TIMEOUT_MS = 60_000;
/** How long requests and channels may take to end, once the node lets nobody in any more. */
const LAST_ANSWERS_MS = 2_000;

/** What a running node takes from the command line. */
type RunWorld = Parameters<RunNode>[1];

/** The passphrase of a node's keys, there or to be made, or `null` where they have none. */
async function passphraseOf(
  options: RunOptions,
  { err, passphrases, dataWords }:
    & { readonly err: Output }
    & Pick<RunWorld, "passphrases" | "dataWords">,
): Promise<Uint8Array | null> {
  const { data, passphraseFile: file } = options;
  const wanted = { ...KEYS_PASSPHRASE, file };
  const stored = await readNodeSecret(openFiles(data));
  if (stored?.kind === "sealed") return await readPassphrase(passphrases, wanted);
  stored?.secret.fill(0);
  if (file !== null) {
    if (!holdsFile(data, KEYSTORE_FILE)) {
      return await readNewPassphrase(passphrases, wanted);
    }
    const text =
      `The node's keys have no passphrase; 'openred-node passphrase set${dataWords}' puts one on them`;
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

/**
 * Runs a node until the signal of `world` fires, then stops it in order.
 * @param world `core`: may have begun to start before there was a lock; it gets nothing until there is one.
 */
export async function runNode(
  options: RunOptions,
  world: RunWorld & { readonly core: Promise<WorkerCryptoCore> },
): Promise<void> {
  using _lock = lockData(options.data);
  let log: SystemLog | null = null;
  try {
    log = await openLog(options);
    await explained(options.data, () => runLocked(options, { ...world, log: log! }));
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    throw new CommandError(cause.exitCode, cause.message, { cause });
  } finally {
    await log?.flush();
  }
}

/** Loads what sends traces only where a collector is named. */
async function tracingOf(
  { otlp }: RunOptions,
  { log, trust }: { readonly log: Log; readonly trust: Trust },
): Promise<Tracing | null> {
  if (otlp === null) return null;
  const { openTracing } = await import("./ports/system_tracing.ts");
  return openTracing({
    url: otlp,
    clock: systemClock,
    http: createSystemHttpClient(trust),
    log,
    service: "openred-node",
    version: project.version,
  });
}

type LockedWorld = Parameters<typeof runNode>[1] & { readonly log: SystemLog };

async function runLocked(options: RunOptions, world: LockedWorld): Promise<void> {
  const { err, passphrases, log } = world;
  await Deno.permissions.revoke({ name: "run" });
  // Its keys may be under another passphrase. All else is settled when the data are opened.
  if (holdsFile(options.data, RESTORATION_FILE)) await finishRestoration(openFiles(options.data));
  const passphrase = await passphraseOf(options, { err, passphrases, dataWords: world.dataWords });
  const ending = new ServiceEnd(log);
  noteEnvironmentProxies(log, (name) => Deno.env.get(name));
  const { trustedProxies } = options;
  const address = listenAddress(options);
  const trust = { authorities: readAuthorities(options.ca) };
  const directoryKey = directoryKeysOf(options.directoryKeyFile);
  const isNew = !holdsFile(options.data, KEYSTORE_FILE);
  using certificate = await openCertificate({ ...options, acme: acmeOf(options) }, {
    log,
    data: options.data,
    program: "node",
    signal: world.signal,
  });
  await using peers = address === null ? null : listen({
    ...address,
    flag: "--listen",
    name: "node",
    log,
    trustedProxies,
    url: options.apiUrl,
    certificate,
  });
  await using admin = listen({ ...options.adminListen, flag: "--admin-listen", name: "node", log });
  await using console = listenConsole(options.consoleListen, log);
  await using watching = listenForWatchers(options.metricsListen, { name: "node", log });
  ending.watchErrors();
  if (peers !== null) ending.needs(peers.finished, "No node can connect");
  ending.needs(admin.finished, "No command can connect");
  const adminToken = makeAdminToken(systemRandom);
  const program: Program = {
    ...world,
    ending,
    listeners: {
      admin,
      ...(peers === null ? {} : { peers }),
      ...(watching === null ? {} : { metrics: watching }),
    },
    console,
    admin: { url: admin.origin, token: adminToken },
    settings: {
      apiUrl: options.apiUrl ?? peers?.origin ?? "",
      adminToken,
      metricsToken: await readMetricsToken(openFiles(options.data), systemRandom),
      console,
      lan: lanListener(options, peers),
    },
    ports: { trust, directoryKey, tracing: await tracingOf(options, { log, trust }) },
  };
  let begin: Begin | null = { core: world.core, passphrase, consoleLink: null, isNew, options };
  while (begin !== null) begin = await runIdentity(program, begin);
}

/** What one identity after the other is run with. */
interface Program extends LockedWorld {
  readonly ending: ServiceEnd;
  readonly listeners: {
    readonly admin: Listening;
    readonly peers?: Listening;
    readonly metrics?: Listening;
  };
  readonly console: ConsoleListening;
  readonly admin: { readonly url: string; readonly token: string };
  readonly settings: Omit<Parameters<typeof configOf>[1], "passphrase" | "consoleLink">;
  readonly ports: Pick<Parameters<typeof composeNode>[1], "trust" | "directoryKey" | "tracing">;
}

/** How a node begins that one data directory makes. */
interface Begin {
  readonly core: Promise<WorkerCryptoCore>;
  readonly passphrase: Uint8Array | null;
  /** Where other data went before: opens the console for whoever had these follow. */
  readonly consoleLink: string | null;
  /** Whether the node is made by this start. */
  readonly isNew: boolean;
  readonly options: RunOptions;
}

/**
 * Runs the node that the data make, until the program is to end, or other data are to follow: of another identity, or
 * restored.
 * @returns What the node of those begins with.
 */
async function runIdentity(program: Program, begin: Begin): Promise<Begin | null> {
  const { options, isNew } = begin;
  const { ending, listeners, console, ports: { tracing } } = program;
  const crypto = await begin.core;
  const bulk = new WorkerBulk(systemClock);
  ending.needsCore(crypto.ended);
  const followed = new AbortController();
  const { promise: next, resolve } = Promise.withResolvers<NextRun>();
  const reopen = (run: NextRun) => {
    resolve(run);
    followed.abort();
  };
  const isOver = () => program.signal.aborted || ending.isFailed || !followed.signal.aborted;
  try {
    const node = await openIdentity(program, { begin, crypto, bulk, reopen });
    listeners.peers?.answerWith((request, address) => node.handle(request, { address }));
    listeners.admin.answerWith((request) => node.handleAdmin(request));
    console.answerWith((request) => node.handleConsole(request));
    listeners.metrics?.answerWith((request) => node.handleWatch(request));
    let isStopped = false;
    try {
      await ending.unlessFailed(node.start());
      const signal = AbortSignal.any([program.signal, followed.signal]);
      await serveCommands(options, { ...program, node, isNew, signal });
    } finally {
      // Nobody new is let in first, so that nothing comes to parts that have ended.
      isStopped = await ending.stopInTime(systemClock, {
        limitMs: isOver() ? STOP_TIMEOUT_MS : REOPEN_TIMEOUT_MS,
        stop: () => {
          if (!isOver()) return node.stop();
          const open = [...Object.values(listeners), console];
          const closing = open.map((listening) => listening.shutdown(LAST_ANSWERS_MS));
          return Promise.all([...closing, node.stop().then(() => tracing?.stop())]);
        },
      });
    }
    if (isOver()) return null;
    if (!isStopped) throw new ProcessError(1, "The node did not stop in time; start it again");
  } finally {
    bulk.stop();
    await crypto.stop().catch(() => {});
  }
  const now = await program.readAgain();
  return { ...await next, core: WorkerCryptoCore.start(), isNew: false, options: now };
}

/** Opens the data; a person who mistypes the passphrase is asked again. */
async function openIdentity(
  program: Program,
  { begin, crypto, bulk, reopen }: {
    readonly begin: Begin;
    readonly crypto: WorkerCryptoCore;
    readonly bulk: WorkerBulk;
    readonly reopen: (next: NextRun) => void;
  },
): Promise<Node> {
  const { passphrases, settings, ports } = program;
  const { options, consoleLink } = begin;
  const parts = { ...program, ...ports, crypto, bulk, reopen };
  const isAsked = begin.passphrase !== null && consoleLink === null;
  const tries = isAsked ? triesOf(options.passphraseFile) : 1;
  return await openOrExplain(withTries(tries, async (isAgain) => {
    const wanted = askedAgain({ ...KEYS_PASSPHRASE, file: null }, isAgain);
    const passphrase = isAgain ? await readPassphrase(passphrases, wanted) : begin.passphrase;
    const config = configOf(options, { ...settings, passphrase, consoleLink });
    return await composeNode(options, { ...parts, config });
  }));
}

/** Says something to a person, or leaves it in the log of a node that a program has started. */
async function say(
  { json }: RunOptions,
  { err, log }: Pick<LockedWorld, "err" | "log">,
  { topic, text }: { readonly topic: string; readonly text: string },
): Promise<void> {
  if (json) log.log("info", topic, { text });
  else await err.line({ text, style: "yellow" });
}

/** Says that there is a new identity, and keeps what it was made with. */
async function sayNew(
  options: RunOptions,
  parts: LockedWorld & { readonly node: Node },
): Promise<void> {
  const { data } = options;
  const { node, firstSettings, dataWords } = parts;
  const made = `A new identity was made, ${node.id}; its keys are in ${data}`;
  await say(options, parts, { topic: "identity_made", text: made });
  if (firstSettings === null) return;
  await openFiles(data).write(SETTINGS_FILE, encodeUtf8(firstSettings));
  const where = `'openred-node config show${dataWords}' shows it`;
  const kept = `What it was told is kept in ${SETTINGS_FILE} there; ${where}`;
  await say(options, parts, { topic: "settings_kept", text: kept });
}

/** Lets the commands find this node, and says that it is ready, until it is to end. */
async function serveCommands(
  options: RunOptions,
  parts: Program & {
    readonly node: Node;
    /** Whether the node was made by this start. */
    readonly isNew: boolean;
  },
): Promise<void> {
  const { node, isNew, ending, admin, listeners: { metrics: watching }, out, signal } = parts;
  const { apiUrl } = node;
  const metricsUrl = watching === undefined ? null : `${watching.origin}${METRICS_PATH}`;
  if (isNew) await sayNew(options, parts);
  if (options.directories.length === 0) {
    await say(options, parts, {
      topic: "registered_nowhere",
      text: "Registered nowhere: nobody finds this node. Give it a directory with --directories",
    });
  }
  await withAdminFile(openFiles(options.data), admin, async () => {
    if (options.json) {
      const metrics = metricsUrl === null ? {} : { metrics_url: metricsUrl };
      await out.raw(`ready ${JSON.stringify({ url: apiUrl, id: node.id, ...metrics })}\n`);
    } else {
      await out.pairs([
        ["Node", { text: node.id, style: "bold" }],
        ["URL", apiUrl],
        ...relayLine(node),
        ["Data", options.data],
        ...await consoleLine(node, parts),
        ...(metricsUrl === null ? [] : [["Metrics", metricsUrl] as const]),
        ["Stop", "Ctrl-C"],
      ]);
    }
    await ending.wait(signal);
  });
}

function relayLine({ relay }: Node): [string, string][] {
  if (relay === null) return [];
  return [["Relay", relay.state === "linked" ? relay.url : `${relay.url} (no link to it yet)`]];
}

/** The way to the console; a link for an owner who was never there, and a terminal is the only place for that. */
async function consoleLine(
  node: Node,
  { out, console, dataWords }: {
    readonly out: Output;
    readonly console: ConsoleListening;
    readonly dataWords: string;
  },
): Promise<[string, string][]> {
  if (console.origin === null) return [];
  const command = `openred-node open${dataWords}`;
  const link = out.isTerminal ? await node.firstConsoleLink() : null;
  return [["Console", link === null ? command : `${link} (within a minute; later: ${command})`]];
}
