/**
 * The parts of a node, and which of them are given to which.
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { BulkCrypto, CryptoCore, OpenedKeystore } from "../crypto/interface.ts";
import type { GrantedFolders } from "../ports/granted_folders.ts";
import type { BusyMark } from "../ports/busy_mark.ts";
import type { KeptSettings } from "../ports/kept_settings.ts";
import type { OwnerFiles } from "../ports/owner_files.ts";
import type { ModuleWorkers } from "../ports/module_workers.ts";
import type { OpenBytes } from "../ports/byte_streams.ts";
import type { OpenMonitor } from "../ports/monitor.ts";
import { RateLimit } from "../ports/rate_limits.ts";
import type { Tracing } from "../ports/tracing.ts";
import type {
  ChannelUpgrader,
  Clock,
  Files,
  HttpClient,
  Log,
  LogSwitch,
  OpenDatabase,
  OwnNetworks,
  Random,
  RequestSource,
  Resolver,
} from "../ports/ports.ts";
import { AdminApi } from "./admin/api.ts";
import type { AuditDesk } from "./admin/audit_desk.ts";
import { BackupDesk } from "./admin/backup_desk.ts";
import { ConsoleApi, type ConsolePage } from "./admin/console_api.ts";
import { ConsoleLinks } from "./admin/console_links.ts";
import type { Contacts } from "./admin/contacts.ts";
import { NodeControl } from "./admin/control.ts";
import { InvitationDesk } from "./admin/invitation_desk.ts";
import { KeyChanges } from "./admin/key_changes.ts";
import { PassphraseDesk } from "./admin/passphrase_desk.ts";
import { PhraseDesk } from "./admin/phrase_desk.ts";
import { RequestDesk } from "./admin/request_desk.ts";
import { RestorationDesk } from "./admin/restoration_desk.ts";
import { SuccessionDesk } from "./admin/succession_desk.ts";
import { SettingsDesk } from "./admin/settings_desk.ts";
import { TokenDesk } from "./admin/token_desk.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import { Background } from "./timing/background.ts";
import { CheckedUrls } from "./p2p/checked_urls.ts";
import { CleanUp } from "./clean_up.ts";
import { NodeMonitor } from "./monitoring/node_monitor.ts";
import { WatchApi } from "./monitoring/watch_api.ts";
import type { ConsoleSettings, NextRun, NodeConfig } from "./config.ts";
import { Directories } from "./directories/directories.ts";
import type { KeyForDirectory } from "./directories/directory_parts.ts";
import type { NodeEvents } from "./events/events.ts";
import { createHoldings } from "./holdings.ts";
import { KeptChannels } from "./p2p/kept_channels.ts";
import { PeerCarrier } from "./p2p/peer_carrier.ts";
import { createOwnersWeb } from "./p2p/owners_web.ts";
import type { RelayView } from "../protocol/admin_api.ts";
import { relayedUrl, relayOf } from "../protocol/relay.ts";
import type { RelayChoice } from "./relay/relay_choice.ts";
import { RelayUse } from "./relay/relay_use.ts";
import { RelayedCalls } from "./relay/relayed_calls.ts";
import { RelayedUpgrades } from "./relay/relayed_upgrades.ts";
import { openPeerBytes } from "./p2p/peer_bytes.ts";
import { PeerApi } from "./p2p/routes.ts";
import { Asking } from "./modules/asking.ts";
import { FreshFactors } from "./modules/fresh_factors.ts";
import { FrameGate } from "./modules/frame_gate.ts";
import { FrameIds } from "./modules/frame_ids.ts";
import { type BuiltInModule, ModuleHost } from "./modules/host.ts";
import type { PeerWords } from "./modules/module_context.ts";
import { HookJournal } from "./modules/hook_journal.ts";
import { openSandbox } from "./modules/sandbox/open_sandbox.ts";
import { ModuleRoutes } from "./modules/module_routes.ts";
import { PublicRoutes } from "./modules/public_routes.ts";
import { ModuleStates } from "./modules/module_states.ts";
import type { Sender } from "./modules/module_sends.ts";
import { SealedCalls } from "./modules/sealed_calls.ts";
import { MESSAGE, PermissionNames } from "./peers/permission_names.ts";
import { type MessageTraces, TRACES } from "./sessions/message_traces.ts";
import { LanPaths } from "./ways/lan_paths.ts";
import { Ways } from "./ways/ways.ts";
import { Sessions } from "./sessions/sessions.ts";
import { troubleWith } from "./sessions/trouble.ts";
import type { NodeStore } from "./store/store.ts";
import type { WriteCount } from "./store/write_count.ts";
import { EnvelopeReceiver } from "./tokens/receive.ts";

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
  readonly moduleWorkers: ModuleWorkers;
  readonly folders: GrantedFolders;
  readonly disk: OwnerFiles;
  readonly bulk: BulkCrypto;
  readonly openBytes: OpenBytes;
  readonly busyMark: BusyMark;
  /** The fixed files of the console; none if absent. */
  readonly consolePage?: ConsolePage;
  /** Why the page is none, for whoever would open it; `null`, or absent, where it is there. */
  readonly whyNoPage?: () => Promise<string | null>;
  readonly openMonitor: OpenMonitor;
  /** None if absent. */
  readonly networks?: OwnNetworks;
  /** What the next start is told; the owner changes nothing of it where it is absent. */
  readonly keptSettings?: KeptSettings;
  /** Whether a file of the data directory has a name elsewhere, too. */
  readonly hasOtherNames?: (name: string) => boolean;
  /** Which lines `log` writes. */
  readonly logSwitch: LogSwitch;
  /** Where spans go; `null`: nowhere, and none is made. */
  readonly tracing: Tracing | null;
  /** Has the root stop this node and open its data anew: they are another identity's now, or restored. */
  readonly reopen: (next: NextRun) => void;
  /** None for any directory if absent. */
  readonly directoryKey?: KeyForDirectory;
}

const NO_CONSOLE: ConsoleSettings = {
  origin: null,
  why: "The console is off; --console-listen says where it would be",
  hasFailed: false,
  proxies: [],
};

/** What was opened before anything is wired. */
export interface NodeData {
  readonly keys: OpenedKeystore;
  readonly store: NodeStore;
  readonly count: WriteCount;
  readonly events: NodeEvents;
  readonly audit: { readonly log: AuditLog; readonly desk: AuditDesk };
  /** The modules that are part of the program, in the order in which they start. */
  readonly builtIns: readonly BuiltInModule[];
  /** Makes what follows messages; `null` where nobody asked for it. */
  readonly traces: ((mayTrace: (peer: NodeId) => boolean) => MessageTraces) | null;
  /** The relay that the node begins with; `null` where others call the node itself. */
  readonly choice: RelayChoice | null;
  /** Where others call the node itself; empty where it listens nowhere. */
  readonly ownUrl: string;
}

/** What everything in a node can be given. */
type Shared = ReturnType<typeof shareParts>;

interface Network {
  readonly directories: Directories;
  readonly carrier: PeerCarrier;
  readonly ways: Ways;
  readonly sessions: Sessions;
  readonly modules: ModuleHost;
  readonly calls: SealedCalls;
  readonly monitor: NodeMonitor;
}

export type NodeParts = Shared & Network & {
  readonly audit: AuditLog;
  readonly cleanUp: CleanUp;
  readonly kept: KeptChannels;
  readonly peerApi: PeerApi;
  readonly adminApi: AdminApi;
  readonly successionDesk: SuccessionDesk;
  readonly consoleApi: ConsoleApi;
  readonly consoleLinks: ConsoleLinks;
  readonly relay: RelayUse;
  readonly watchApi: WatchApi;
};

/** Answers what came from anybody. */
export type Handle = (request: Request, source: RequestSource) => Promise<Response>;

/**
 * Makes the parts. Nothing is read from the disk, and nothing is sent.
 * @param data `stopped` fires when the node stops; `handle` answers what comes through the relay.
 */
export function createNodeParts(
  ports: NodePorts,
  config: NodeConfig,
  data: NodeData & { readonly stopped: AbortSignal; readonly handle: Handle },
): NodeParts {
  const shared = shareParts(ports, config, data);
  // The owner's words come from the admin API, which stands on all of this.
  const words = new LateWords();
  const relayView = () => relay.view();
  const network = createNetwork(shared, config, { ...data, words, relayView });
  const relay: RelayUse = createRelay({ ...shared, ...network }, data);
  const parts = { ...shared, ...network, relay, audit: data.audit.log };
  followSuccessions(parts);
  const watchApi = new WatchApi({ ...parts, modules: parts.modules.runs }, config);
  const settings = config.console ?? NO_CONSOLE;
  const signIn = () => parts.modules.runs.signIn();
  const consoleLinks = new ConsoleLinks(signIn, settings, ports.whyNoPage);
  const successionDesk = new SuccessionDesk(parts, config);
  const restorationDesk = new RestorationDesk(parts);
  const desks = { consoleLinks, watchApi, successionDesk, restorationDesk };
  const adminApi = createAdminApi({ ...parts, ...desks }, config, { ...data, words });
  const page = ports.consolePage ?? (() => null);
  return {
    ...parts,
    adminApi,
    ...desks,
    consoleApi: new ConsoleApi({ ...parts, admin: adminApi, signIn, page }, settings),
    cleanUp: new CleanUp({ ...parts, restorationDesk }),
    kept: new KeptChannels({
      ...parts,
      channels: parts.carrier.channels,
      tick: (peer) => parts.sessions.sendAlone(peer, { type: "core.tick" }),
      isCalled: () => relay.isLinked ?? parts.directories.isCalledBack,
    }, config),
    peerApi: new PeerApi({
      ...parts,
      upgrader: parts.upgrades,
      channels: parts.carrier.channels,
      publicRoutes: new PublicRoutes({ ...parts, modules: parts.modules.runs }),
    }, config),
  };
}

function shareParts(ports: NodePorts, config: NodeConfig, data: NodeData) {
  const { keys, store, events } = data;
  const urls = new CheckedUrls(ports, config);
  const parts = { ...ports, log: events.log, store, events };
  return {
    ...parts,
    ...createHoldings(parts, config, keys),
    own: { id: keys.nodeId as NodeId, key: keys.identity },
    noiseKeys: keys.noiseKeys,
    permissionNames: new PermissionNames(),
    frameIds: new FrameIds(store),
    keyChanges: new KeyChanges(),
    background: new Background(events.log),
    peerHandshakes: new RateLimit(ports.clock, {
      perMinute: config.handshakesPerMinute,
      what: "from one peer",
    }),
    checkUrl: (url: string, signal: AbortSignal) => urls.check(url, signal),
    upgrades: new RelayedUpgrades(ports.upgrader),
  };
}

function createRelay(
  parts: Shared & Network,
  { handle, ...begin }: Pick<NodeData, "choice" | "ownUrl"> & { readonly handle: Handle },
): RelayUse {
  const { directories, ownRecord, sessions, own } = parts;
  const calls = new RelayedCalls({ ...parts, handle });
  const moved = (url: string) => {
    ownRecord.setApiUrl(url);
    directories.announce();
    sessions.tellMoved();
  };
  const linked = (url: string) => {
    parts.events.count("relay_links");
    const relayed = relayedUrl(url, own.id);
    if (ownRecord.apiUrl === relayed) directories.hurry();
    else moved(relayed);
  };
  const named = (signal: AbortSignal) => directories.relays(signal);
  return new RelayUse({ ...parts, calls, named, linked, left: moved }, begin);
}

/** Everything through which a node meets others. */
function createNetwork(
  shared: Shared,
  config: NodeConfig,
  { keys, builtIns, words, audit, traces, stopped, relayView }: NodeData & {
    readonly words: PeerWords;
    readonly relayView: () => RelayView | null;
    readonly stopped: AbortSignal;
  },
): Network {
  const { own, ownRecord, noiseKeys, succession, background, permissions, table } = shared;
  const receiver = new EnvelopeReceiver(shared, {
    id: own.id,
    get noiseKeys() {
      return ownRecord.namedKeys(noiseKeys);
    },
  });
  const directories = new Directories(shared, {
    ...shared,
    entries: config.directories,
    receiver,
  });
  // Each of these is given a way to the sessions, which are given all of them.
  const late = () => sessions;
  const lan = config.lan === undefined ? null : new LanPaths({
    clock: shared.clock,
    networks: shared.networks ?? { list: () => [] },
    listener: config.lan,
    stopped,
    isAccepted: (peer) => permissions.standing(peer, MESSAGE) === "allowed",
    met: () => table.peers(),
    send: (peer, header) => background.run("paths", sessions.sendAlone(peer, header), peer),
  });
  const ways: Ways = new Ways({
    ...shared,
    stopped,
    lan,
    isMet: (peer) => shared.table.current(peer) !== null,
    found: (peer) => carrier.openAnother(peer),
  });
  const checkUrl = (url: string, signal: AbortSignal) =>
    ways.isLan(url) ? Promise.resolve() : shared.checkUrl(url, signal);
  const carrier = createCarrier({ ...shared, ways, checkUrl }, config, late);
  const asking = new Asking({
    ...shared,
    carrier,
    want: (peer) => sessions.links.want(peer),
    waitForSession: (peer, options) => sessions.links.wait(peer, options),
  });
  const monitor = new NodeMonitor(shared, config.version, () => ({
    ...shared,
    version: config.version,
    audit: audit.log,
    modules,
    directories,
    relay: { view: relayView },
    carrier,
    config: { ...config, apiUrl: shared.ownRecord.apiUrl },
    troubleWith: (peer) => troubleWith({ ...shared, links: sessions.links }, peer),
  }));
  const modules: ModuleHost = new ModuleHost({
    ...shared,
    own: {
      id: own.id,
      get alias() {
        return ownRecord.alias;
      },
    },
    states: new ModuleStates(shared),
    journal: new HookJournal(shared.store),
    openFile: (file) => openSandbox(shared, file),
    identity: keys.identity,
    storageKey: keys.storage,
    words,
    watch: monitor,
    asking,
    web: createOwnersWeb(shared),
    peerBytes: (request) =>
      openPeerBytes({ ...shared, checkUrl, urlOf: (peer) => ways.urlOf(peer) }, request),
    sender: createSender(shared, late),
    askFactors: () => modules.runs.askFactors(),
    binding: (peer) => shared.table.current(peer)?.binding ?? null,
    servicesChanged: () => ownRecord.setServices(modules.services()),
  }, builtIns);
  const askFactors = () => modules.runs.askFactors();
  const freshFactors = new FreshFactors({ ...shared, askFactors });
  const calls = new SealedCalls({ ...shared, carrier, modules: modules.runs, freshFactors });
  const sessions: Sessions = new Sessions({
    ...shared,
    own: { id: own.id, rotation: config.rotation, sessionLifeMs: config.sessionLifeMs },
    directories,
    carrier,
    checkUrl,
    http: ways.watch(shared.http),
    urlOf: (peer) => ways.urlOf(peer),
    gate: new FrameGate(shared, { modules: modules.runs, strangers: config.strangers }),
    calls: {
      call: (peer, call, via) => calls.call(peer, call, via),
      answered: (peer, answer) => asking.answered(peer, answer),
    },
    paths: (peer, paths) => {
      if (lan?.take(peer, paths)) ways.told(peer);
    },
    traces: traces?.((peer) => shared.permissions.standing(peer, TRACES) === "allowed") ?? null,
    isAwaited: (peer) => modules.waiting(peer) > 0,
    confirmed: (peer) => {
      modules.confirmed(peer);
      ways.met(peer);
      lan?.greet(peer);
      background.run("told", succession.confirmed(peer), peer);
    },
  });
  return { directories, carrier, ways, sessions, modules, calls, monitor };
}

function createCarrier(
  { ways, ...shared }: Shared & { readonly ways: Ways },
  config: NodeConfig,
  sessions: () => Sessions,
): PeerCarrier {
  return new PeerCarrier({
    ...shared,
    ownId: shared.own.id,
    http: ways.watch(shared.http),
    urlOf: (peer) => ways.urlOf(peer),
    isRelayed: () => relayOf(shared.ownRecord.apiUrl, shared.own.id) !== null,
    receive: (frame) => sessions().receive(frame),
    sealFirst: (peer) => sessions().sealFirst(peer),
    unknown: (peer) => sessions().hintUnknown(peer),
    dropped: () => shared.events.count("frames_dropped"),
    halfOpen: (peer) => ways.doubt(peer),
    sent: (bytes) => shared.events.countOf("bytes_sent", bytes),
  }, config);
}

/** How what modules send leaves. */
function createSender({ table }: Shared, sessions: () => Sessions): Sender {
  return {
    sendReliable: (message) => sessions().reliable.send(message),
    cancel: (id) => sessions().reliable.cancel(id),
    sendOnce: (peer, header, body) => sessions().send(peer, header, body),
    want: (peer) => sessions().links.want(peer),
    isConnected: (peer) => table.current(peer) !== null,
  };
}

/** What the owner's words mean, once there is who knows. */
class LateWords implements PeerWords {
  #contacts: Contacts | null = null;

  of(contacts: Contacts): void {
    this.#contacts = contacts;
  }

  resolve(word: string): NodeId {
    return this.#contacts!.resolve(word);
  }

  meet(word: string): Promise<NodeId> {
    return this.#contacts!.meet(word);
  }

  widens(word: string): boolean {
    return this.#contacts!.widens(word);
  }
}

/** A block moves along with a succession, and ends what the new id has built up meanwhile. */
function followSuccessions(
  { book, permissions, sessions, modules, ...parts }: Shared & Network,
): void {
  const { background, store, table } = parts;
  book.alsoMoves((old, next) => modules.writeMove(old, next));
  book.onSuccession((old, next) => {
    background.run("forget_peer", sessions.ending.forgetPeer(old), old);
    modules.peersChanged();
    if (permissions.isBlocked(next)) {
      background.run("drop_waiting", store.write(() => modules.writeForget(next)), next);
      background.run("cut_off", sessions.ending.cutOff(next, "blocked"), next);
    } else if (table.current(next) !== null) {
      modules.confirmed(next);
    } else if (book.get(next)?.known === true) {
      sessions.links.want(next, { delayed: true });
    }
  });
}

function createAdminApi(
  parts: Shared & Network & {
    readonly audit: AuditLog;
    readonly consoleLinks: ConsoleLinks;
    readonly relay: RelayUse;
    readonly watchApi: WatchApi;
    readonly successionDesk: SuccessionDesk;
    readonly restorationDesk: RestorationDesk;
  },
  config: NodeConfig,
  { audit, stopped, words }: NodeData & {
    readonly stopped: AbortSignal;
    readonly words: LateWords;
  },
): AdminApi {
  const control = new NodeControl({ ...parts, stopped }, { ownId: parts.own.id, config });
  words.of(control.contacts);
  return new AdminApi(control, {
    ...parts,
    audit: audit.desk,
    backup: new BackupDesk(parts, config),
    phrase: new PhraseDesk(parts),
    succession: parts.successionDesk,
    restoration: parts.restorationDesk,
    passphrase: new PassphraseDesk(parts, config),
    settings: new SettingsDesk(parts),
    modules: parts.modules,
    moduleRoutes: new ModuleRoutes({ ...parts, modules: parts.modules.runs }),
    watch: parts.watchApi,
    invitations: new InvitationDesk(parts),
    requests: new RequestDesk(parts, control.contacts),
    tokens: new TokenDesk(parts, (who) => control.contacts.resolve(who)),
  }, config.adminToken);
}
