/**
 * The parts of a node, and which of them are given to which.
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
  Resolver,
} from "../ports/ports.ts";
import { AdminApi } from "./admin/api.ts";
import type { AuditDesk } from "./admin/audit_desk.ts";
import { BackupDesk } from "./admin/backup_desk.ts";
import { NodeControl } from "./admin/control.ts";
import { TokenDesk } from "./admin/token_desk.ts";
import type { AuditLog } from "./audit/audit_log.ts";
import { Background } from "./timing/background.ts";
import { CheckedUrls } from "./p2p/checked_urls.ts";
import { CleanUp } from "./clean_up.ts";
import type { NodeConfig } from "./config.ts";
import { Directories } from "./directories/directories.ts";
import type { NodeEvents } from "./events/events.ts";
import { createHoldings, type Holdings } from "./holdings.ts";
import { Messages } from "./modules/messages.ts";
import { PeerCarrier } from "./p2p/peer_carrier.ts";
import { PeerApi } from "./p2p/routes.ts";
import { FrameGate, type FrameHandler } from "./modules/frame_gate.ts";
import type { ModulePermissions } from "./peers/module_permissions.ts";
import { Sessions } from "./sessions/sessions.ts";
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
}

/** What was opened before anything is wired. */
export interface NodeData {
  readonly keys: OpenedKeystore;
  readonly store: NodeStore;
  readonly count: WriteCount;
  readonly events: NodeEvents;
  readonly audit: { readonly log: AuditLog; readonly desk: AuditDesk };
  /** Who takes the frames of further modules, by module name. */
  readonly handlers: ReadonlyMap<string, FrameHandler>;
  readonly modulePermissions: ModulePermissions;
}

/** What everything in a node can be given. */
type Shared = ReturnType<typeof shareParts>;

interface Network {
  readonly directories: Directories;
  readonly carrier: PeerCarrier;
  readonly sessions: Sessions;
  readonly messages: Messages;
  /** Who takes frames, by module name. */
  readonly modules: ReadonlyMap<string, FrameHandler>;
}

export type NodeParts = Shared & Network & {
  readonly audit: AuditLog;
  readonly cleanUp: CleanUp;
  readonly peerApi: PeerApi;
  readonly adminApi: AdminApi;
};

/**
 * Makes the parts. Nothing is read from the disk, and nothing is sent.
 * @param stopped Fires when the node stops.
 */
export function createNodeParts(
  ports: NodePorts,
  config: NodeConfig,
  data: NodeData & { readonly stopped: AbortSignal },
): NodeParts {
  const shared = shareParts(ports, config, data);
  const network = createNetwork(shared, config, data.handlers);
  const parts = { ...shared, ...network, audit: data.audit.log };
  followSuccessions(parts);
  return {
    ...parts,
    cleanUp: new CleanUp(parts),
    peerApi: new PeerApi({ ...parts, channels: parts.carrier.channels }, config),
    adminApi: createAdminApi(parts, config, data),
  };
}

function shareParts(ports: NodePorts, config: NodeConfig, data: NodeData) {
  const { keys, store, events } = data;
  const urls = new CheckedUrls(ports, config);
  const parts = { ...ports, store, events };
  return {
    ...parts,
    ...createHoldings(parts, config, keys),
    own: { id: keys.nodeId as NodeId, key: keys.identity },
    noiseKeys: keys.noiseKeys,
    modulePermissions: data.modulePermissions,
    background: new Background(ports.log),
    checkUrl: (url: string, signal: AbortSignal) => urls.check(url, signal),
  };
}

/** Everything through which a node meets others. */
function createNetwork(
  shared: Shared,
  config: NodeConfig,
  handlers: NodeData["handlers"],
): Network {
  const { own, ownRecord, noiseKeys, events, succession, background } = shared;
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
  const messages = new Messages(shared);
  const modules = new Map([...handlers, ["messaging", messages]]);
  const carrier: PeerCarrier = new PeerCarrier({
    ...shared,
    ownId: own.id,
    urlOf: (peer) => urlOf(shared, peer),
    receive: (frame) => sessions.receive(frame),
    sealFirst: (peer) => sessions.sealFor(peer, { type: "core.tick" }),
    unknown: (peer) => sessions.hintUnknown(peer),
    dropped: () => events.count("frames_dropped"),
  }, config);
  const sessions: Sessions = new Sessions({
    ...shared,
    own: { id: own.id, rotation: config.rotation, sessionLifeMs: config.sessionLifeMs },
    directories,
    carrier,
    gate: new FrameGate(shared, { handlers: modules, strangers: config.strangers }),
    confirmed: (peer) => {
      messages.pump(peer);
      background.run("told", succession.confirmed(peer));
    },
  });
  return { directories, carrier, sessions, messages, modules };
}

function urlOf({ permissions, book }: Holdings, peer: NodeId): string | null {
  return permissions.isBlocked(peer) ? null : book.get(peer)?.record.payload.api_url || null;
}

/** A block moves along with a succession, and ends what the new id has built up meanwhile. */
function followSuccessions(
  { book, permissions, sessions, messages, ...parts }: Shared & Network,
): void {
  const { background, store } = parts;
  book.onSuccession((old, next) => {
    background.run("forget_peer", sessions.ending.forgetPeer(old));
    messages.moved(old, next);
    if (permissions.isBlocked(next)) {
      background.run("drop_waiting", store.write(() => messages.writeDrop(next)));
      messages.dropped(next);
      background.run("cut_off", sessions.ending.cutOff(next, "blocked"));
    } else if (book.get(next)?.known === true) {
      sessions.links.want(next, { delayed: true });
    }
  });
}

function createAdminApi(
  parts: Shared & Network & { readonly audit: AuditLog },
  config: NodeConfig,
  { audit, stopped }: NodeData & { readonly stopped: AbortSignal },
): AdminApi {
  const control = new NodeControl({ ...parts, stopped }, { ownId: parts.own.id, config });
  return new AdminApi(control, {
    ...parts,
    audit: audit.desk,
    backup: new BackupDesk(parts, config),
    tokens: new TokenDesk(parts, (who) => control.contacts.resolve(who)),
  }, config.adminToken);
}
