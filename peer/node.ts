/**
 * A node, composed of ports: the same in the binary and in the simulation.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { CryptoCore, OpenedKeystore } from "../crypto/interface.ts";
import { COPY_PREFIX } from "../ports/data_names.ts";
import type { RequestSource } from "../ports/ports.ts";
import { AuditDesk } from "./admin/audit_desk.ts";
import { AuditLog } from "./audit/audit_log.ts";
import type { RelayView } from "../protocol/admin_api.ts";
import { relayedUrl } from "../protocol/relay.ts";
import { AUDIT_DEFAULTS } from "../protocol/node_settings.ts";
import { StoredMarks } from "./audit/log_marks.ts";
import type { NodeConfig } from "./config.ts";
import { openData } from "./data/data_state.ts";
import { tellLoss } from "./data/lost_writes.ts";
import { NodeEvents } from "./events/events.ts";
import { createNodeParts, type NodeData, type NodeParts, type NodePorts } from "./node_parts.ts";
import type { PeerBook } from "./peers/peer_book.ts";
import type { BuiltInModule, ModuleHost } from "./modules/host.ts";
import { ModuleStates } from "./modules/module_states.ts";
import type { Permissions } from "./peers/permissions.ts";
import type { SessionTable } from "./sessions/session.ts";
import type { Sessions } from "./sessions/sessions.ts";
import type { NodeStore } from "./store/store.ts";
import { RelayChoice } from "./relay/relay_choice.ts";
import { OpenRequests } from "./open_requests.ts";
import type { MethodBook } from "./own/method_book.ts";
import type { OwnRecord } from "./own/own_record.ts";
import type { WriteCount } from "./store/write_count.ts";
import { SELF_NAMES } from "./own/self_names.ts";
import type { TokenVault } from "./tokens/vault.ts";

export type { NodePorts } from "./node_parts.ts";

/** A node that its root drives. */
export interface Node {
  readonly id: NodeId;
  /** Where others reach it. */
  readonly apiUrl: string;
  /** Answers what came from anybody. */
  handle(request: Request, source: RequestSource): Promise<Response>;
  /** Answers what came to the admin listener. */
  handleAdmin(request: Request): Promise<Response>;
  /** Answers what came to the console's listener. */
  handleConsole(request: Request): Promise<Response>;
  /** A one-time link for the owner's first visit of the console; `null` where there was one, or is none. */
  firstConsoleLink(): Promise<string | null>;
  /** The relay through which others reach it, or `null`. */
  readonly relay: RelayView | null;
  /** Answers what came to the listener for metrics. */
  handleWatch(request: Request): Promise<Response>;
  start(): Promise<void>;
  /**
   * Takes no request any more, tells peers, lets what is on its way leave, and closes the database. The crypto core is
   * the caller's.
   */
  stop(): Promise<void>;
}

/** A node's parts, for whoever measures them one by one. */
export interface NodeInside {
  readonly crypto: CryptoCore;
  readonly store: NodeStore;
  readonly keys: OpenedKeystore;
  readonly events: NodeEvents;
  readonly audit: AuditLog;
  readonly book: PeerBook;
  readonly permissions: Permissions;
  readonly vault: TokenVault;
  readonly sessions: Sessions;
  readonly table: SessionTable;
  readonly modules: ModuleHost;
  readonly methods: MethodBook;
  readonly ownRecord: OwnRecord;
}

/** A node whose parts can be reached. */
export interface OpenNode extends Node {
  readonly inside: NodeInside;
}

/**
 * Opens (or makes) a node's data and wires its parts. Nothing is sent before `start`.
 * @param builtIns The modules that are part of the program, in the order in which they start.
 * @throws {RangeError} For a node secret of no known form.
 * @throws {CryptoError} `unseal_failed` for a keystore or a passphrase that does not open.
 * @throws {OpenRedError} `unauthorized` where a passphrase is missing; `not_found` where a node's keystore, its secret
 *   or its database is lost; `bad_request` where those are of different nodes, where the restoring of a backup broke
 *   off, or for a directory of another form than URL or URL`#`id; `internal` where a succession that was made could not
 *   be put in place; `unsupported` for data that a newer version has written; `overloaded` where the disk takes nothing.
 */
export async function createNode(
  ports: NodePorts,
  config: NodeConfig,
  builtIns: readonly BuiltInModule[],
): Promise<OpenNode> {
  const { keystoreCost: cost, passphrase } = config;
  const moduleTables = await tableForms(builtIns);
  const meanwhile = (store: NodeStore) =>
    loadModules(builtIns, new ModuleStates({ store, random: ports.random }));
  const opened = await openData(ports, { cost, passphrase, moduleTables, meanwhile });
  const { keys, store, count } = opened;
  if (opened.isCopied) ports.log.log("info", "data_copied", { files: `${COPY_PREFIX}*` });
  ports.log.log("info", "keys_opened", { stretch_ms: keys.stretchMs });
  const events = new NodeEvents(ports.log);
  store.onWrite((cause) => events.tellStorage(cause));
  count.onWrite((cause) => events.tellCount(cause));
  const audit = await openAudit(ports, config, { keys, events, store });
  const traces = await openTraces(ports);
  const { relay, directories } = config;
  const parts = { ...ports, store };
  const choice = relay === undefined ? null : new RelayChoice(parts, { relay, directories });
  const ownUrl = config.apiUrl;
  const data = { keys, store, count, events, audit, builtIns, traces, choice, ownUrl };
  const node = new RunningNode(ports, reachedBy(config, keys, choice), data);
  await node.load();
  return node;
}

async function tableForms(builtIns: readonly BuiltInModule[]): Promise<Record<string, number>> {
  const forms: Record<string, number> = {};
  for (const { name, tablesForm } of builtIns) {
    if (tablesForm !== undefined) forms[name] = await tablesForm();
  }
  return forms;
}

/** Loads the code of the modules that are going to run. What fails is told by who starts them. */
async function loadModules(
  builtIns: readonly BuiltInModule[],
  states: ModuleStates,
): Promise<void> {
  const wanted = builtIns.filter(({ name }) => states.get(name)?.enabled !== false);
  await Promise.all(wanted.map(({ loadCode }) => loadCode?.().catch(() => {})));
}

/** Loads what follows messages only where somebody asked for it. */
async function openTraces({ tracing }: NodePorts): Promise<NodeData["traces"]> {
  if (tracing === null) return null;
  const { MessageSpans } = await import("./monitoring/message_spans.ts");
  return (mayTrace) => new MessageSpans({ tracing, mayTrace });
}

/** A node behind a relay is called by the relay's URL. */
function reachedBy(
  config: NodeConfig,
  { nodeId }: OpenedKeystore,
  choice: RelayChoice | null,
): NodeConfig {
  return choice === null ? config : { ...config, apiUrl: relayedUrl(choice.current.url, nodeId) };
}

async function openAudit(
  ports: NodePorts,
  config: NodeConfig,
  { keys, events, store }: Pick<NodeData, "keys" | "events" | "store">,
): Promise<NodeData["audit"]> {
  const marks = new StoredMarks(store);
  const { nodeId, identity, audit } = keys;
  const parts = { ...ports, nodeId, identity, keys: audit, warnings: events, marks };
  const log = await AuditLog.open(parts, config.audit ?? AUDIT_DEFAULTS);
  events.auditWith(log);
  events.audit("keystore_opened", { success: true });
  return { log, desk: new AuditDesk(parts, log) };
}

class RunningNode implements OpenNode {
  readonly inside: NodeInside;
  readonly #parts: NodeParts;
  readonly #count: WriteCount;
  readonly #console: NodeConfig["console"];
  readonly #nextLink: string | undefined;
  readonly #requests: OpenRequests;
  readonly #stop = new AbortController();

  constructor(ports: NodePorts, config: NodeConfig, data: NodeData) {
    this.#parts = createNodeParts(ports, config, {
      ...data,
      stopped: this.#stop.signal,
      handle: (request, source) => this.handle(request, source),
    });
    this.#count = data.count;
    this.#console = config.console;
    this.#nextLink = config.consoleLink;
    this.#requests = new OpenRequests(ports.clock);
    this.inside = { ...this.#parts, keys: data.keys };
  }

  get id(): NodeId {
    return this.#parts.own.id;
  }

  get apiUrl(): string {
    return this.#parts.ownRecord.apiUrl;
  }

  /** Reads what was kept of an earlier run. */
  async load(): Promise<void> {
    const { book, vault, directories } = this.#parts;
    await Promise.all([book.load(), vault.load(), directories.load()]);
  }

  async start(): Promise<void> {
    const { events, modules, ownRecord, relay, directories, sessions, cleanUp, kept } = this.#parts;
    await modules.start();
    if (this.#nextLink !== undefined) await this.#parts.consoleLinks.take(this.#nextLink);
    await ownRecord.current();
    await this.#sayWhence();
    // A directory calls back at once, and so through the link.
    await relay.start();
    directories.start();
    await sessions.start();
    cleanUp.start();
    kept.start();
    if (this.#console?.hasFailed === true) events.warn("console", this.#console.why);
    events.audit("started", { success: true });
  }

  /** Says what became of this node while it did not run, and whether anybody could follow it. */
  async #sayWhence(): Promise<void> {
    const { events, restored, succession, store } = this.#parts;
    await tellLoss(this.#parts, this.#count);
    await restored.note(() => events.audit("restored", { success: true }));
    await succession.note((fields) => events.audit("succeeded", { success: true, ...fields }));
    if (store.self(SELF_NAMES.next) !== null) return;
    events.warn(
      "no_recovery_phrase",
      "This node has no recovery phrase: should its keys be stolen, no new identity can follow it. " +
        "Make one in the console, or stop the node and make it with: openred-node init",
    );
  }

  async stop(): Promise<void> {
    const { events, audit, store, ...parts } = this.#parts;
    this.#stop.abort();
    const answered = this.#requests.stop();
    parts.cleanUp.stop();
    parts.kept.stop();
    parts.adminApi.stop();
    await parts.directories.stop();
    await parts.modules.stop();
    await parts.monitor.stop();
    parts.calls.stop();
    await parts.sessions.stop();
    await parts.carrier.stop();
    await parts.relay.stop();
    await answered;
    await parts.background.settled();
    await parts.vault.stop();
    events.audit("stopped", { success: true });
    await audit.stop();
    await parts.successionDesk.stopped(audit.durable.position);
    store.close();
    await this.#count.settled();
  }

  handle(request: Request, source: RequestSource): Promise<Response> {
    return this.#requests.take(() => this.#parts.peerApi.handle(request, source));
  }

  handleAdmin(request: Request): Promise<Response> {
    return this.#requests.take(() => this.#parts.adminApi.handle(request));
  }

  handleConsole(request: Request): Promise<Response> {
    return this.#requests.take(() => this.#parts.consoleApi.handle(request));
  }

  get relay(): RelayView | null {
    return this.#parts.relay.view();
  }

  firstConsoleLink(): Promise<string | null> {
    return this.#parts.consoleLinks.first();
  }

  handleWatch(request: Request): Promise<Response> {
    return this.#requests.take(() => this.#parts.watchApi.answer(request));
  }
}
