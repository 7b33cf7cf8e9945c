/**
 * A node, composed of ports: the same in the binary and in the simulation.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { CryptoCore, OpenedKeystore } from "../crypto/interface.ts";
import type {
  ChannelUpgrader,
  Clock,
  Files,
  HttpClient,
  Log,
  OpenDatabase,
  Random,
  RequestSource,
  Resolver,
} from "../ports/ports.ts";
import { openKeystoreFiles } from "../ports/keystore_files.ts";
import { checkUrl } from "../protocol/url_policy.ts";
import { Background } from "./background.ts";
import { AdminApi } from "./admin/api.ts";
import { AuditDesk } from "./admin/audit_desk.ts";
import { NodeControl } from "./admin/control.ts";
import { TokenDesk } from "./admin/token_desk.ts";
import { AuditLog } from "./audit/audit_log.ts";
import { AUDIT_DEFAULTS } from "./audit/audit_parts.ts";
import { StoredMarks } from "./audit/log_marks.ts";
import { BackupDesk } from "./admin/backup_desk.ts";
import { RestoredMark } from "./backup/restored_mark.ts";
import type { NodeConfig } from "./config.ts";
import { ContactDirectories } from "./contacts/contact_directories.ts";
import { Petnames } from "./contacts/petnames.ts";
import { settleData } from "./data_state.ts";
import { Directories } from "./directories/directories.ts";
import { NodeEvents } from "./events.ts";
import { Messages } from "./messages.ts";
import { OwnRecord } from "./own_record.ts";
import { PeerCarrier } from "./p2p/peer_carrier.ts";
import { PeerApi } from "./p2p/routes.ts";
import { PeerBook } from "./peer_book.ts";
import { DenialLog } from "./permissions/denial_log.ts";
import { FrameGate, type FrameHandler } from "./permissions/frame_gate.ts";
import { ModulePermissions } from "./permissions/module_permissions.ts";
import { Permissions } from "./permissions/permissions.ts";
import { SessionTable } from "./sessions/session.ts";
import { Sessions } from "./sessions/sessions.ts";
import { NodeStore } from "./store.ts";
import { OwnSuccession } from "./succession/own_succession.ts";
import { SELF_NAMES } from "./succession/self_names.ts";
import { EnvelopeReceiver } from "./tokens/receive.ts";
import { ValidationCache } from "./tokens/validation_cache.ts";
import { TokenVault } from "./tokens/vault.ts";

/** How often the node looks for what has ended. */
const CLEAN_UP_MS = 60_000;
/** How long a checked URL need not be resolved again. */
const CHECKED_URL_MS = 60_000;
const MAX_CHECKED_URLS = 1_000;

export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly resolver: Resolver;
  readonly crypto: CryptoCore;
  readonly files: Files;
  readonly openDatabase: OpenDatabase;
  readonly upgrader: ChannelUpgrader;
  readonly log: Log;
}

/** A node that its root drives. */
export interface Node {
  readonly id: NodeId;
  /** Answers what came from anybody. */
  handle(request: Request, source: RequestSource): Promise<Response>;
  /** Answers what came to the admin listener. */
  handleAdmin(request: Request): Promise<Response>;
  start(): Promise<void>;
  /** Tells peers, lets what is on its way leave, and closes the database. The crypto core is the caller's. */
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
  readonly messages: Messages;
}

/** A node whose parts can be reached. */
export interface OpenNode extends Node {
  readonly inside: NodeInside;
}

/**
 * Opens (or makes) a node's data and wires its parts. Nothing is sent before `start`.
 * @param handlers Who takes the frames of further modules, by module name.
 * @throws {CryptoError} `unseal_failed` for a keystore or a passphrase that does not open.
 * @throws {OpenRedError} `unauthorized` where a passphrase is missing, `bad_request` for a directory of another form than URL or URL`#`id.
 */
export async function createNode(
  ports: NodePorts,
  config: NodeConfig,
  handlers: ReadonlyMap<string, FrameHandler> = new Map(),
): Promise<OpenNode> {
  const { keystoreCost: cost, passphrase } = config;
  await settleData(ports);
  const keys = await openKeystoreFiles(ports, { cost, passphrase });
  const events = new NodeEvents(ports.log);
  const store = new NodeStore(ports.openDatabase, ports.clock);
  const audit = await openAudit({ ports, config, keys, events, store });
  await store.setSelf("node_id", keys.nodeId);
  const node = new RunningNode(ports, config, { keys, store, events, audit, handlers });
  await node.load();
  return node;
}

/** The audit log and what reads it. */
interface Audit {
  readonly log: AuditLog;
  readonly desk: AuditDesk;
}

async function openAudit(
  options: {
    ports: NodePorts;
    config: NodeConfig;
    keys: OpenedKeystore;
    events: NodeEvents;
    store: NodeStore;
  },
): Promise<Audit> {
  const { ports, config, keys, events } = options;
  const marks = new StoredMarks(options.store);
  const { nodeId, identity, audit } = keys;
  const parts = { ...ports, nodeId, identity, keys: audit, warnings: events, marks };
  const log = await AuditLog.open(parts, config.audit ?? AUDIT_DEFAULTS);
  events.auditWith(log);
  events.audit("keystore_opened", { success: true });
  return { log, desk: new AuditDesk(parts, log) };
}

class RunningNode implements OpenNode {
  readonly id: NodeId;
  readonly inside: NodeInside;
  readonly #ports: NodePorts;
  readonly #config: NodeConfig;
  readonly #store: NodeStore;
  readonly #events: NodeEvents;
  readonly #audit: AuditLog;
  readonly #book: PeerBook;
  readonly #permissions: Permissions;
  readonly #petnames: Petnames;
  readonly #vault: TokenVault;
  readonly #ownRecord: OwnRecord;
  readonly #succession: OwnSuccession;
  readonly #restored: RestoredMark;
  readonly #directories: Directories;
  readonly #table = new SessionTable();
  readonly #sessions: Sessions;
  readonly #carrier: PeerCarrier;
  readonly #messages: Messages;
  readonly #background: Background;
  readonly #peerApi: PeerApi;
  readonly #adminApi: AdminApi;
  readonly #modules: ReadonlyMap<string, FrameHandler>;
  readonly #checkedUrls = new Map<string, number>();
  readonly #stop = new AbortController();
  #cancelCleanUp: () => void = () => {};

  constructor(
    ports: NodePorts,
    config: NodeConfig,
    data: {
      keys: OpenedKeystore;
      store: NodeStore;
      events: NodeEvents;
      audit: Audit;
      handlers: ReadonlyMap<string, FrameHandler>;
    },
  ) {
    const { keys, store } = data;
    const [noiseKey] = keys.noiseKeys;
    if (noiseKey === undefined) throw new RangeError("The keystore holds no noise key");
    this.id = keys.nodeId as NodeId;
    this.#ports = ports;
    this.#config = config;
    this.#store = store;
    this.#events = data.events;
    this.#audit = data.audit.log;
    const parts = { ...ports, store, events: this.#events };
    const own = { id: this.id, key: keys.identity };
    this.#background = new Background(ports.log);
    this.#book = new PeerBook(parts, this.id);
    this.#permissions = new Permissions(parts);
    this.#petnames = new Petnames(store);
    const contactDirectories = new ContactDirectories(store);
    this.#succession = new OwnSuccession(store);
    this.#restored = new RestoredMark(store);
    const moved = [this.#permissions, this.#petnames, contactDirectories, this.#succession];
    for (const moving of moved) {
      this.#book.alsoMoves((old, next) => moving.writeMove(old, next));
    }
    this.#vault = new TokenVault(parts, keys.vault);
    this.#ownRecord = new OwnRecord(parts, config, {
      identity: keys.identity,
      noiseKey: noiseKey.publicKey,
    });
    const shared = {
      ...parts,
      book: this.#book,
      permissions: this.#permissions,
      modulePermissions: new ModulePermissions(data.handlers.keys()),
      petnames: this.#petnames,
      contactDirectories,
      denials: new DenialLog(parts),
      vault: this.#vault,
      ownRecord: this.#ownRecord,
      succession: this.#succession,
      restored: this.#restored,
      table: this.#table,
      validations: new ValidationCache(),
      background: this.#background,
      noiseKeys: keys.noiseKeys,
      checkUrl: (url: string, signal: AbortSignal) => this.#checkUrl(url, signal),
    };
    const receiver = new EnvelopeReceiver(shared, { id: this.id, noiseKeys: keys.noiseKeys });
    this.#directories = new Directories({ ...shared, own }, {
      ...shared,
      entries: config.directories,
      receiver,
    });
    this.#messages = new Messages(shared);
    this.#modules = new Map([...data.handlers, ["messaging", this.#messages]]);
    this.#carrier = new PeerCarrier({
      ...shared,
      ownId: this.id,
      urlOf: (peer) => this.#urlOf(peer),
      receive: (frame) => this.#sessions.receive(frame),
      sealFirst: (peer) => this.#sessions.sealFor(peer, { type: "core.tick" }),
      unknown: (peer) => this.#sessions.hintUnknown(peer),
      dropped: () => this.#events.count("frames_dropped"),
    }, config);
    this.#sessions = new Sessions({
      ...shared,
      own: { id: this.id, rotation: config.rotation, sessionLifeMs: config.sessionLifeMs },
      directories: this.#directories,
      carrier: this.#carrier,
      gate: new FrameGate(shared, {
        handlers: this.#modules,
        strangers: config.strangers,
      }),
      confirmed: (peer) => {
        this.#messages.pump(peer);
        this.#background.run("told", this.#succession.confirmed(peer));
      },
    });
    this.inside = {
      crypto: ports.crypto,
      store,
      keys,
      events: this.#events,
      audit: this.#audit,
      book: this.#book,
      permissions: this.#permissions,
      vault: this.#vault,
      sessions: this.#sessions,
      messages: this.#messages,
    };
    this.#book.onSuccession((old, next) => {
      this.#background.run("forget_peer", this.#sessions.forgetPeer(old));
      this.#messages.moved(old, next);
      if (this.#permissions.isBlocked(next)) this.#dropBlocked(next);
      else if (this.#book.get(next)?.known === true) {
        this.#sessions.links.want(next, { delayed: true });
      }
    });
    this.#peerApi = new PeerApi({
      ...shared,
      own,
      directories: this.#directories,
      sessions: this.#sessions,
      channels: this.#carrier.channels,
    }, config);
    const control = new NodeControl({
      ...shared,
      directories: this.#directories,
      sessions: this.#sessions,
      messages: this.#messages,
      stopped: this.#stop.signal,
    }, { ownId: this.id, config });
    this.#adminApi = new AdminApi(control, {
      clock: ports.clock,
      log: ports.log,
      events: this.#events,
      audit: data.audit.desk,
      backup: new BackupDesk({ ...ports, store, audit: this.#audit }, config),
      tokens: new TokenDesk(
        { ...shared, sessions: this.#sessions },
        (who) => control.contacts.resolve(who),
      ),
    }, config.adminToken);
  }

  #urlOf(peer: NodeId): string | null {
    if (this.#permissions.isBlocked(peer)) return null;
    return this.#book.get(peer)?.record.payload.api_url || null;
  }

  /** A block moves along with a succession, and ends what the new id has built up meanwhile. */
  #dropBlocked(peer: NodeId): void {
    this.#background.run("drop_waiting", this.#store.write(() => this.#messages.writeDrop(peer)));
    this.#messages.dropped(peer);
    this.#background.run("cut_off", this.#sessions.cutOff(peer, "blocked"));
  }

  async load(): Promise<void> {
    await Promise.all([this.#book.load(), this.#vault.load(), this.#directories.load()]);
  }

  async start(): Promise<void> {
    const { reliable, links } = this.#sessions;
    for (const module of this.#modules.keys()) {
      this.#events.audit("module_loaded", { success: true, module });
    }
    await this.#ownRecord.current();
    await this.#sayWhence();
    this.#directories.start();
    await this.#sessions.start();
    this.#messages.start({ reliable, wantSession: (peer) => links.want(peer) });
    this.#scheduleCleanUp();
    this.#events.audit("started", { success: true });
  }

  /** Says once what became of this node while it did not run, and whether anybody could follow it. */
  async #sayWhence(): Promise<void> {
    const events = this.#events;
    await this.#restored.note(() => events.audit("restored", { success: true }));
    await this.#succession.note((fields) =>
      events.audit("succeeded", { success: true, ...fields })
    );
    if (this.#store.self(SELF_NAMES.next) !== null) return;
    events.warn(
      "no_recovery_phrase",
      "This node has no recovery phrase: should its keys be stolen, no new identity can follow it. " +
        "Stop it and make one with: openred-node init",
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancelCleanUp();
    this.#adminApi.stop();
    await this.#directories.stop();
    await this.#sessions.stop();
    await this.#carrier.stop();
    await this.#background.settled();
    this.#events.audit("stopped", { success: true });
    await this.#audit.stop();
    this.#store.close();
  }

  handle(request: Request, source: RequestSource): Promise<Response> {
    return this.#peerApi.handle(request, source);
  }

  handleAdmin(request: Request): Promise<Response> {
    return this.#adminApi.handle(request);
  }

  async #checkUrl(url: string, signal: AbortSignal): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    const checkedMs = this.#checkedUrls.get(url);
    if (checkedMs !== undefined && nowMs - checkedMs < CHECKED_URL_MS) return;
    const { allowPrivate } = this.#config;
    await checkUrl(url, { allowPrivate, resolver: this.#ports.resolver, signal });
    if (this.#checkedUrls.size >= MAX_CHECKED_URLS) this.#checkedUrls.clear();
    this.#checkedUrls.set(url, nowMs);
  }

  #scheduleCleanUp(): void {
    this.#cancelCleanUp = this.#ports.clock.setTimer(CLEAN_UP_MS, () => {
      this.#scheduleCleanUp();
      this.#background.run("clean_up", this.#cleanUp());
    });
  }

  /** Forgets pairs that ended, and strangers of whom nothing else is left. */
  async #cleanUp(): Promise<void> {
    await this.#vault.cleanUp({ isClockSteady: this.#sessions.isClockSteady });
    this.#sessions.renewStandby();
    const used = new Set(this.#vault.all().map((entry) => entry.peer));
    for (const { id } of this.#book.all()) {
      const kept = used.has(id) || this.#table.forPeer(id).length > 0 ||
        this.#messages.outboxSize(id) > 0 || this.#permissions.mentions(id) ||
        this.#petnames.of(id) !== null;
      if (!kept) await this.#book.forget(id);
    }
  }
}
