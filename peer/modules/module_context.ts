/**
 * What a module can reach: its context, made of the node's parts.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import {
  type BulkCrypto,
  type CryptoCore,
  CryptoError,
  type KeyRef,
} from "../../crypto/interface.ts";
import type {
  AskFactors,
  FileHashes,
  FileSealing,
  ModuleContext,
  ModulePeer,
  ModulePeers,
  ModuleStorage,
  NodeWatch,
  OptionValue,
  OwnersWeb,
  Passwords,
  PeerBytes,
  PeerBytesRequest,
} from "../../modules/api.ts";
import type { Clock, HttpClient, Log, Random, Resolver } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { type Manifest, permissionsOf } from "../../protocol/module_manifest.ts";
import type { NodeEvents } from "../events/events.ts";
import { restoredAtMs } from "../own/restored_mark.ts";
import type { PeerBook } from "../peers/peer_book.ts";
import type { Permissions } from "../peers/permissions.ts";
import type { Petnames } from "../peers/petnames.ts";
import type { NodeStore } from "../store/store.ts";
import type { GrantedFolders } from "../../ports/granted_folders.ts";
import type { OwnerFiles } from "../../ports/owner_files.ts";
import { grantedFetch } from "./granted_fetch.ts";
import { grantedFolder } from "./granted_folder.ts";
import type { Grants } from "./grants.ts";
import { StoredFiles } from "./module_files.ts";
import type { ModuleAsks } from "./module_asks.ts";
import { ModuleRows } from "./module_rows.ts";
import type { ModuleSends, Sender } from "./module_sends.ts";
import type { ModuleTells } from "./module_tells.ts";
import { createSignatures } from "./module_signatures.ts";
import { StoredTables } from "./module_tables.ts";
import type { ModuleKind } from "./running_module.ts";

/** What the owner's words mean to the node. */
export interface PeerWords {
  /** @throws {OpenRedError} `not_found`, `bad_request`. */
  resolve(word: string): NodeId;
  /** Accepts a peer, looking it up first if it was never met. @throws {OpenRedError} As the admin API does. */
  meet(word: string): Promise<NodeId>;
  /** Whether `meet` would let a peer do more than it may now. @throws {OpenRedError} As `resolve`. */
  widens(word: string): boolean;
}

export interface ContextParts {
  readonly own: { readonly id: NodeId; readonly alias: string | null };
  readonly crypto: CryptoCore;
  /** The identity key. */
  readonly identity: KeyRef;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly events: NodeEvents;
  readonly store: NodeStore;
  readonly book: PeerBook;
  readonly permissions: Permissions;
  readonly petnames: Petnames;
  readonly http: HttpClient;
  readonly resolver: Resolver;
  readonly folders: GrantedFolders;
  readonly disk: OwnerFiles;
  readonly bulk: BulkCrypto;
  /** @throws {OpenRedError} `unreachable`, `url_refused`. */
  readonly web: OwnersWeb;
  readonly peerBytes: (request: PeerBytesRequest) => Promise<PeerBytes>;
  /** How peers are asked for factors; `null` while no module runs that does. */
  readonly askFactors: () => AskFactors | null;
  readonly sender: Sender;
  readonly words: PeerWords;
  /** What the node tells of itself. */
  readonly watch: NodeWatch;
  /** The binding of the session with a peer that counts now. */
  readonly binding: (peer: NodeId) => Uint8Array | null;
}

/** Whom a context is for. */
export interface ContextOwner {
  readonly kind: ModuleKind;
  readonly manifest: Manifest;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly sends: ModuleSends;
  readonly asks: ModuleAsks;
  readonly tells: ModuleTells;
  /** The key of its rows. */
  readonly key: KeyRef;
  readonly grants: Grants;
}

/** Half of what fits into one message to a thread: keys are longer there. */
const MAX_FILE_RANGE_BYTES = 2 ** 19;

/** Makes the context of one module. */
export function createContext(parts: ContextParts, owner: ContextOwner): ModuleContext {
  const { manifest, sends, asks, tells } = owner;
  const { name } = manifest;
  return {
    own: parts.own,
    peers: createPeers(parts, owner),
    send: (frame) => sends.send(frame),
    ask: (ask) => asks.ask(ask),
    storage: createStorage(parts, owner),
    files: new StoredFiles(parts.store, name),
    options: owner.options,
    clock: parts.clock,
    random: parts.random,
    ...tells.members,
    auth: {
      require: async (peer, level, purpose) => {
        const askFactors = parts.askFactors();
        if (askFactors !== null) return await askFactors(peer, { level, purpose, module: name });
        throw new OpenRedError("unsupported", "The module authentication does not run");
      },
    },
    disk: owner.kind === "built-in" ? parts.disk : null,
    hashes: owner.kind === "built-in" ? createHashes(parts) : null,
    signatures: owner.kind === "built-in" ? createSignatures(parts) : null,
    passwords: owner.kind === "built-in" ? createPasswords(parts) : null,
    web: owner.kind === "built-in" ? parts.web : null,
    sealing: owner.kind === "built-in" ? createSealing(parts) : null,
    watch: owner.kind === "built-in" ? parts.watch : null,
    peerBytes: async (request) => {
      if (owner.kind === "file") throw notGranted();
      return await parts.peerBytes(request);
    },
    binding: (peer) => Promise.resolve(parts.binding(peer)?.slice() ?? null),
    fetch: (request) => grantedFetch(parts, owner.grants, request),
    folder: async (folder) => await grantedFolder(parts.folders, owner.grants, folder),
  };
}

/** What no module from a file may do. */
function notGranted(): OpenRedError {
  return new OpenRedError("forbidden", "This was not granted");
}

function createPeers(parts: ContextParts, { kind, grants, manifest }: ContextOwner): ModulePeers {
  const { book, permissions, words } = parts;
  const need = () => {
    if (kind === "file") grants.need("peers");
  };
  return {
    list: async () => {
      need();
      return await book.all().map(({ id }) => viewPeer(parts, id));
    },
    get: (peer) => Promise.resolve(viewPeer(parts, peer)),
    find: async (word) => {
      need();
      return await words.resolve(word);
    },
    meet: async (word) => {
      if (kind === "file") throw notGranted();
      return await words.meet(word);
    },
    widens: async (word) => {
      if (kind === "file") throw notGranted();
      return await words.widens(word);
    },
    standing: async (peer, permission) => {
      // What a peer may do with others is no matter of a stranger's module.
      if (kind === "file" && !permissionsOf(manifest).has(permission)) throw notGranted();
      return await permissions.standing(peer, permission);
    },
    lastId: (peer) => Promise.resolve(book.lastId(peer)),
  };
}

function viewPeer({ book, permissions, petnames, sender }: ContextParts, id: NodeId): ModulePeer {
  const entry = book.get(id);
  return {
    id,
    petname: petnames.of(id),
    alias: entry?.record.payload.alias ?? null,
    known: entry?.known ?? false,
    connected: sender.isConnected(id),
    blocked: permissions.isBlocked(id),
  };
}

function createHashes({ bulk }: ContextParts): FileHashes {
  return {
    chunk: (data, { isWhole }) => bulk.hashChunk({ data, isWhole }),
    layer: (layer) => bulk.hashLayer({ layer }),
  };
}

function createSealing({ bulk }: ContextParts): FileSealing {
  return {
    seal: (chunk, data) => bulk.sealChunk({ ...chunk, data }),
    open: async (chunk, sealed) => {
      try {
        return await bulk.openChunk({ ...chunk, sealed });
      } catch (cause) {
        if (!(cause instanceof CryptoError) || cause.code !== "unseal_failed") throw cause;
        throw new OpenRedError("bad_signature", "A chunk does not open", { cause });
      }
    },
  };
}

function createPasswords({ crypto }: ContextParts): Passwords {
  return { stretch: (password, salt) => crypto.stretchPassword({ password, salt }) };
}

function createStorage(parts: ContextParts, owner: ContextOwner): ModuleStorage {
  const { store, crypto } = parts;
  const { name } = owner.manifest;
  const { key } = owner;
  const rows = new ModuleRows(store, {
    module: name,
    ...(owner.kind === "file" ? { maxRangeBytes: MAX_FILE_RANGE_BYTES } : {}),
  });
  return {
    get: async (rowKey) => await rows.get(rowKey),
    put: async (rowKey, value) => await rows.batch([{ key: rowKey, value }]),
    delete: async (rowKey) => await rows.batch([{ key: rowKey, value: null }]),
    range: async (range) => await rows.range(range),
    batch: async (changes) => await rows.batch(changes),
    seal: (sealing) => crypto.sealRows({ key, rows: sealing }),
    open: (opening) => crypto.openRows({ key, rows: opening }),
    restoredAtMs: restoredAtMs(store),
    tables: owner.kind === "built-in" ? new StoredTables(parts, name) : null,
  };
}
