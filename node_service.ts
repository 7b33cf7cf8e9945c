/**
 * Composition of a node that runs: what `openred-node run` alone needs, and `node.ts` loads for it.
 *
 * @module
 */
import { CommandError, failure } from "./cli/command_error.ts";
import { HintingLog } from "./cli/hinting_log.ts";
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
import type { WorkerCryptoCore } from "./crypto/client.ts";
import { encodeUtf8 } from "./crypto/encoding.ts";
import { CryptoError } from "./crypto/interface.ts";
import project from "./deno.json" with { type: "json" };
import { explained, lockData } from "./keeper/data_directory.ts";
import { withTries } from "./keeper/node_keys.ts";
import { PageFiles } from "./modules/console/page_files.ts";
import { BUILT_IN_MODULES } from "./modules/built_in.ts";
import type { NodeConfig } from "./peer/config.ts";
import type { KeyForDirectory } from "./peer/directories/directory_parts.ts";
import { createNode, type Node } from "./peer/node.ts";
import { KEYSTORE_FILE } from "./ports/keystore_files.ts";
import type { KeptSettings } from "./ports/kept_settings.ts";
import { readNodeSecret } from "./ports/node_secret.ts";
import type { Log } from "./ports/ports.ts";
import type { SystemLog } from "./ports/system_log.ts";
import type { Tracing } from "./ports/tracing.ts";
import {
  createOpenDatabase,
  createSystemHttpClient,
  hasOtherNames,
  holdsFile,
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
import { type ConsoleListening, listenConsole } from "./process/console_listening.ts";
import { createOpenMonitor } from "./ports/system_monitor.ts";
import { priorityPermissions } from "./ports/system_worker_priority.ts";
import { makeAdminToken, withAdminFile } from "./process/admin_file.ts";
import { noteEnvironmentProxies } from "./process/environment_proxy.ts";
import { openCertificate, readAuthorities } from "./process/certificates.ts";
import { listen, listenForWatchers, type Listening } from "./process/listening.ts";
import { readMetricsToken } from "./process/metrics_token.ts";
import { coreFamilies, listenerFamilies } from "./process/process_families.ts";
import { openLog } from "./process/opened_log.ts";
import { ProcessError } from "./process/process_error.ts";
import { readRotationPolicy } from "./process/rotation_policy.ts";
import { directoryKeysOf } from "./process/directory_keys.ts";
import { ServiceEnd } from "./process/service_end.ts";
import { METRICS_PATH } from "./protocol/metrics.ts";

const STOP_TIMEOUT_MS = 5_000;
/** How long requests and channels may take to end, once the node lets nobody in any more. */
const LAST_ANSWERS_MS = 2_000;
const DAY_MS = 24 * 3_600_000;

/** What a running node takes from the command line. */
type RunWorld = Parameters<RunNode>[1];

function configOf(
  options: RunOptions,
  settings: {
    readonly apiUrl: string;
    readonly adminToken: string;
    readonly metricsToken: string;
    readonly passphrase: Uint8Array | null;
    readonly console: ConsoleListening;
    readonly lan: NodeConfig["lan"] | null;
  },
): NodeConfig {
  const { passphrase, console, lan, ...others } = settings;
  return {
    ...others,
    ...(passphrase === null ? {} : { passphrase }),
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
function lanListener(options: RunOptions, peers: Listening | null): NodeConfig["lan"] | null {
  const address = listenAddress(options);
  if (!options.direct.lan || address === null || peers === null) return null;
  return { hostname: address.hostname, port: Number(new URL(peers.origin).port) };
}

/** The folder of whoever runs the node, as far as the system says. */
function homeOf(): { readonly home?: string } {
  const home = Deno.env.get("HOME") || Deno.env.get("USERPROFILE");
  return home ? { home } : {};
}

async function composeNode(
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
  const { err, passphrases, keptSettings, log } = world;
  await Deno.permissions.revoke({ name: "run" });
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
  const crypto = await world.core;
  const bulk = new WorkerBulk({ ...systemClock, permissions: priorityPermissions() });
  ending.watchErrors();
  ending.needsCore(crypto.ended);
  if (peers !== null) ending.needs(peers.finished, "No node can connect");
  ending.needs(admin.finished, "No command can connect");
  try {
    const adminToken = makeAdminToken(systemRandom);
    const apiUrl = options.apiUrl ?? peers?.origin ?? "";
    const tracing = await tracingOf(options, { log, trust });
    const metricsToken = await readMetricsToken(openFiles(options.data), systemRandom);
    const lan = lanListener(options, peers);
    const settings = { apiUrl, adminToken, metricsToken, console, lan };
    const listeners = {
      admin,
      ...(peers === null ? {} : { peers }),
      ...(watching === null ? {} : { metrics: watching }),
    };
    const { dataWords } = world;
    const found = { directoryKey, keptSettings, log, dataWords, listeners };
    const parts = { crypto, bulk, trust, tracing, ...found };
    const tries = passphrase === null ? 1 : triesOf(options.passphraseFile);
    const opening = withTries(tries, async (isAgain) => {
      const wanted = askedAgain({ ...KEYS_PASSPHRASE, file: null }, isAgain);
      const given = isAgain ? await readPassphrase(passphrases, wanted) : passphrase;
      const config = configOf(options, { ...settings, passphrase: given });
      return await composeNode(options, { ...parts, config });
    });
    const node = await openOrExplain(opening);
    peers?.answerWith((request, address) => node.handle(request, { address }));
    admin.answerWith((request) => node.handleAdmin(request));
    console.answerWith((request) => node.handleConsole(request));
    watching?.answerWith((request) => node.handleWatch(request));
    try {
      await ending.unlessFailed(node.start());
      await serveCommands(options, {
        ...world,
        node,
        isNew,
        ending,
        admin: { url: admin.origin, token: adminToken },
        metricsUrl: watching === null ? null : `${watching.origin}${METRICS_PATH}`,
        console,
      });
    } finally {
      // Nobody new is let in first, so that nothing comes to parts that have ended.
      await ending.stopInTime(systemClock, {
        limitMs: STOP_TIMEOUT_MS,
        stop: () => {
          const open = [...Object.values(listeners), console];
          const closing = open.map((listening) => listening.shutdown(LAST_ANSWERS_MS));
          return Promise.all([...closing, node.stop().then(() => tracing?.stop())]);
        },
      });
    }
  } finally {
    bulk.stop();
    await crypto.stop().catch(() => {});
  }
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
  parts: LockedWorld & {
    readonly node: Node;
    /** Whether the node was made by this start. */
    readonly isNew: boolean;
    readonly ending: ServiceEnd;
    readonly admin: { readonly url: string; readonly token: string };
    readonly metricsUrl: string | null;
    readonly console: ConsoleListening;
  },
): Promise<void> {
  const { node, isNew, ending, admin, metricsUrl, out, signal } = parts;
  const { apiUrl } = node;
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
