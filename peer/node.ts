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
import { NodeControl } from "./admin/control.ts";
import type { NodeConfig } from "./config.ts";
import { Directories } from "./directories/directories.ts";
import { NodeEvents } from "./events.ts";
import { Messages } from "./messages.ts";
import { OwnRecord } from "./own_record.ts";
import { PeerCarrier } from "./p2p/peer_carrier.ts";
import { PeerApi } from "./p2p/routes.ts";
import { PeerBook } from "./peer_book.ts";
import { SessionTable } from "./sessions/session.ts";
import { Sessions } from "./sessions/sessions.ts";
import { NodeStore } from "./store.ts";
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

/**
 * Opens (or makes) a node's data and wires its parts. Nothing is sent before `start`.
 * @throws {CryptoError} `unseal_failed` for a keystore that does not open.
 * @throws {OpenRedError} `bad_request` for a directory of another form than URL or URL`#`id.
 */
export async function createNode(ports: NodePorts, config: NodeConfig): Promise<Node> {
  const keys = await openKeystoreFiles(ports, config.keystoreCost);
  const store = new NodeStore(ports.openDatabase, ports.clock);
  await store.setSelf("node_id", keys.nodeId);
  const node = new RunningNode(ports, config, { keys, store });
  await node.load();
  return node;
}

class RunningNode implements Node {
  readonly id: NodeId;
  readonly #ports: NodePorts;
  readonly #config: NodeConfig;
  readonly #store: NodeStore;
  readonly #events: NodeEvents;
  readonly #book: PeerBook;
  readonly #vault: TokenVault;
  readonly #ownRecord: OwnRecord;
  readonly #directories: Directories;
  readonly #table = new SessionTable();
  readonly #sessions: Sessions;
  readonly #carrier: PeerCarrier;
  readonly #messages: Messages;
  readonly #background: Background;
  readonly #peerApi: PeerApi;
  readonly #adminApi: AdminApi;
  readonly #checkedUrls = new Map<string, number>();
  readonly #stop = new AbortController();
  #cancelCleanUp: () => void = () => {};

  constructor(
    ports: NodePorts,
    config: NodeConfig,
    data: { keys: OpenedKeystore; store: NodeStore },
  ) {
    const { keys, store } = data;
    const [noiseKey] = keys.noiseKeys;
    if (noiseKey === undefined) throw new RangeError("The keystore holds no noise key");
    this.id = keys.nodeId as NodeId;
    this.#ports = ports;
    this.#config = config;
    this.#store = store;
    this.#events = new NodeEvents(ports.log);
    const parts = { ...ports, store, events: this.#events };
    const own = { id: this.id, key: keys.identity };
    this.#background = new Background(ports.log);
    this.#book = new PeerBook(parts, this.id);
    this.#vault = new TokenVault(parts, keys.vault);
    this.#ownRecord = new OwnRecord(parts, config, {
      identity: keys.identity,
      noiseKey: noiseKey.publicKey,
    });
    const shared = {
      ...parts,
      book: this.#book,
      vault: this.#vault,
      ownRecord: this.#ownRecord,
      table: this.#table,
      validations: new ValidationCache(),
      background: this.#background,
      noiseKeys: keys.noiseKeys,
      checkUrl: (url: string, signal: AbortSignal) => this.#checkUrl(url, signal),
    };
    const receiver = new EnvelopeReceiver(shared, { id: this.id, noiseKeys: keys.noiseKeys });
    this.#directories = new Directories({ ...shared, own }, {
      entries: config.directories,
      book: this.#book,
      receiver,
    });
    this.#messages = new Messages(shared);
    this.#carrier = new PeerCarrier({
      ...shared,
      ownId: this.id,
      urlOf: (peer) => this.#book.get(peer)?.record.payload.api_url || null,
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
      handlers: new Map([["messaging", this.#messages]]),
      confirmed: (peer) => this.#messages.pump(peer),
    });
    this.#book.onSuccession((old, next) => {
      this.#background.run("forget_peer", this.#sessions.forgetPeer(old));
      this.#messages.moved(old, next);
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
    this.#adminApi = new AdminApi(control, ports, config.adminToken);
  }

  async load(): Promise<void> {
    await Promise.all([this.#book.load(), this.#vault.load(), this.#directories.load()]);
  }

  async start(): Promise<void> {
    const { reliable, links } = this.#sessions;
    await this.#ownRecord.current();
    this.#directories.start();
    await this.#sessions.start();
    this.#messages.start({ reliable, wantSession: (peer) => links.want(peer) });
    this.#scheduleCleanUp();
    this.#events.audit("started", { success: true });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancelCleanUp();
    this.#adminApi.stop();
    await this.#directories.stop();
    await this.#sessions.stop();
    await this.#carrier.stop();
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
    await this.#vault.cleanUp();
    const used = new Set(this.#vault.all().map((entry) => entry.peer));
    for (const { id } of this.#book.all()) {
      const kept = used.has(id) || this.#table.forPeer(id).length > 0 ||
        this.#messages.outboxSize(id) > 0;
      if (!kept) await this.#book.forget(id);
    }
  }
}
