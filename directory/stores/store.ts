/**
 * What a directory keeps, as an interface: records, pins, successions and used proof ids. No pair is
 * ever stored. Everything is asynchronous and every check-and-store is one call, so that several
 * processes may share one store.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { CommitTiming } from "../../ports/group_commit.ts";
import type { KeyRefusal } from "../../protocol/directory_key.ts";
import type { SharedReads } from "./shared_reads.ts";

/** A node as the directory holds it. Instants are in milliseconds since the epoch. */
export interface DirectoryEntry {
  readonly id: NodeId;
  /** The record, byte for byte as it was signed. */
  readonly text: string;
  readonly seq: number;
  readonly expSec: number;
  /** Empty exactly for a record that is gone. */
  readonly apiUrl: string;
  /** base64url, 32 bytes. */
  readonly noiseKey: string;
  /** Whose place of the limits per called host it takes; of a record that is gone the one it had before. */
  readonly host: string;
  readonly alias: string | null;
  readonly services: readonly string[];
  readonly unlisted: boolean;
  readonly gone: boolean;
  readonly lastSeenAt: number;
  readonly leaseEndAt: number;
  readonly calledBackAt: number;
}

/** One link of a succession: `newId` follows `oldId`. It takes the place of `oldId` on its host, for good. */
export interface StoredSuccession {
  readonly oldId: NodeId;
  readonly newId: NodeId;
  readonly text: string;
  readonly storedAt: number;
  /** The `next` it names for `newId`, 32 bytes. */
  readonly next: Uint8Array | null;
}

/** What is known of an id. */
export interface FoundNode {
  readonly entry: DirectoryEntry | null;
  /** The succession that ended this id. */
  readonly succession: StoredSuccession | null;
  /** Only where its operator keeps this id out. */
  readonly ban?: StoredBan;
}

/** What is found of an id that is not stored. */
export const NOTHING_FOUND: FoundNode = { entry: null, succession: null };

/** Whether anything was found. Unknown ids are free to make, so nothing is kept of them. */
export function isKnown({ entry, succession, ban }: FoundNode): boolean {
  return entry !== null || succession !== null || ban !== undefined;
}

/** An id that the operator keeps out. */
export interface StoredBan {
  readonly id: NodeId;
  readonly bannedAt: number;
  /** Why, in the operator's words; empty for none. */
  readonly note: string;
}

/** A key of a directory that takes invited nodes only. */
export interface StoredKey {
  /** What names it: see `secretId()`. */
  readonly keyId: string;
  /** 16 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly madeAt: number;
  /** `null`: never. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** How many ids it lets in. */
  readonly uses: number;
  /** How many it has let in. */
  readonly used: number;
  /** For whom, in the operator's words; empty for none. */
  readonly note: string;
}

/** A key, and whether it has let in the id that was asked about. */
export interface FoundKey extends StoredKey {
  readonly isUser: boolean;
}

/** A record to store, with what comes with it; all of it or nothing. */
export interface NewEntry {
  readonly entry: DirectoryEntry;
  /** The `next` that the record names, 32 bytes; pinned if it is the first for this id. */
  readonly next: Uint8Array | null;
  /** A succession that was judged and holds. */
  readonly succession: StoredSuccession | null;
}

/** `behind`: another record of this id that is as new or newer was there first. */
export type StoreOutcome =
  | { readonly outcome: "stored" }
  | { readonly outcome: "behind"; readonly entry: DirectoryEntry }
  | { readonly outcome: "succeeded"; readonly succession: StoredSuccession }
  | { readonly outcome: "banned" };

/** A page of nodes in the order of their ids: never one that is gone or unlisted. */
export interface ListQuery {
  /** Only ids after this one; empty for the first page. */
  readonly after: string;
  readonly limit: number;
  readonly leaseEndsAfter: number;
  /** Inclusive. */
  readonly leaseEndsBy: number;
  readonly service: string | null;
  readonly alias: string | null;
}

export interface ListPage {
  readonly entries: readonly DirectoryEntry[];
  /** Where the next page starts, or `null` at the end. A page may be short, even empty, before it. */
  readonly nextAfter: string | null;
}

/** Where a page of all nodes ended. */
export interface NodePlace {
  readonly leaseEndAt: number;
  readonly id: string;
}

/** A page of all nodes, unlisted ones too, the one whose lease ends last first. */
export interface AllNodesQuery {
  /** Only nodes behind this place; `null` for the first page. */
  readonly after: NodePlace | null;
  readonly limit: number;
  /** Those that are gone, or those that are not. */
  readonly gone: boolean;
}

/** The use of a proof id. */
export interface ProofUse {
  /** base64url, 16 bytes. */
  readonly jti: string;
  readonly iatSec: number;
  readonly nowMs: number;
}

/** The use of a key. */
export interface KeyUse {
  readonly keyId: string;
  readonly id: NodeId;
  readonly nowMs: number;
}

/** Nodes that are stored and not gone. */
export interface NodeCounts {
  readonly active: number;
  readonly stale: number;
  readonly dormant: number;
}

/** What to sweep. Instants are in milliseconds since the epoch. */
export interface SweepOptions {
  readonly nowMs: number;
  /** Forgets proofs that were used before. */
  readonly proofsBefore: number;
  /** Forgets nodes whose leases ended before, with their pins; `null` forgets none. */
  readonly leasesBefore: number | null;
  /** Cuts leases that end after; `null` cuts none. */
  readonly latestLeaseEnd: number | null;
  /** Nodes whose leases end after the one are counted as active, of the rest those after the other as stale. */
  readonly countsAt: { readonly activeAfter: number; readonly recentAfter: number };
}

/**
 * Nodes that one step of a sweep forgets or changes, each at random places of several indexes: nobody is answered
 * meanwhile.
 */
export const SWEPT_A_STEP = 10;

/** What one step of a sweep did. */
export interface SweepResult {
  readonly forgotten: number;
  readonly proofs: number;
  /** Whether there is nothing left to do. */
  readonly isDone: boolean;
}

export interface DirectoryStore {
  /** Grows with every change of nodes that this process can see. */
  readonly revision: number;
  find(id: NodeId): Promise<FoundNode>;
  /** What {@linkcode find} would tell, where it is at hand; `null` where it has to be asked. */
  atHand(id: NodeId): FoundNode | null;
  /**
   * Stores a record whose `seq` is above the stored one's. Resolves once it is durable.
   * @param options `latestSeq`: a stored record whose `seq` is above this one gives way to any; by default none does.
   */
  put(input: NewEntry, options?: { readonly latestSeq: number }): Promise<StoreOutcome>;
  /** Stores a succession alone. Resolves once it is durable. */
  putSuccession(succession: StoredSuccession): Promise<void>;
  /** Joins an entry of a replica: of two records the newer stays, in whatever order they come. */
  merge(input: NewEntry): Promise<void>;
  /** The `next` pinned for an id, 32 bytes. */
  pinnedNext(id: NodeId): Promise<Uint8Array | null>;
  list(query: ListQuery): Promise<ListPage>;
  /** For its operator. A page that is shorter than the limit is the last. */
  listAll(query: AllNodesQuery): Promise<readonly DirectoryEntry[]>;
  /** Forgets a node, with its pin. @returns Whether there was one. */
  remove(id: NodeId): Promise<boolean>;
  /** Keeps an id out from now on, and lets go of its node. Resolves once that is durable. */
  ban(ban: StoredBan): Promise<void>;
  /** @returns Whether it was banned. */
  unban(id: NodeId): Promise<boolean>;
  /** Bans in the order of ids. A page that is shorter than the limit is the last. */
  listBans(page: { readonly after: string; readonly limit: number }): Promise<readonly StoredBan[]>;
  /** Stores a key that nobody has used. Resolves once it is durable. */
  addKey(key: Omit<StoredKey, "revokedAt" | "used">): Promise<void>;
  /** @param user Whose use of it is told. */
  findKey(keyId: string, user: string): Promise<FoundKey | null>;
  /**
   * Counts an id among those that a key has let in, once, durably.
   * @returns `null` where it is in, otherwise why the key lets it in no more.
   */
  useKey(use: KeyUse): Promise<KeyRefusal | null>;
  /** @returns Whether it was valid until now. */
  revokeKey(keyId: string, nowMs: number): Promise<boolean>;
  /** Keys in the order of their ids. A page that is shorter than the limit is the last. */
  listKeys(page: { readonly after: string; readonly limit: number }): Promise<readonly StoredKey[]>;
  /** How many ids it keeps something of for good or until they are forgotten: gone and succeeded ones too. */
  countStored(): Promise<number>;
  /** How many places of one host are taken. */
  countOnHost(host: string): Promise<number>;
  /** The nodes by what their leases were at the last sweep. Costs the same for any number of nodes. */
  countNodes(): Promise<NodeCounts>;
  /**
   * Claims a proof id, durably.
   * @returns `false` if it was used before, or may have been: its `iat` is not above the memory's beginning. A beginning
   *   more than five minutes ahead was noted by a wrong clock: then the memory begins with this call.
   */
  claimProof(use: ProofUse): Promise<boolean>;
  /** A small value of the directory's own, or `null`. */
  getOwn(name: string): Promise<string | null>;
  /**
   * Sets such a value, durably, unless it has changed.
   * @param expected What is there; `null` for nothing.
   * @returns Whether it was set.
   */
  swapOwn(name: string, expected: string | null, value: string): Promise<boolean>;
  /**
   * One step of forgetting what is old, of bounded length; to be repeated until all is done. Where used proofs expire by
   * themselves, none is told of.
   */
  sweep(options: SweepOptions): Promise<SweepResult>;
  /** Tells how long writes take from now on, where it can. */
  timeWith?(timing: CommitTiming): void;
  /** Shares what it has at hand with other threads, from now on; not there where other processes change what it has. */
  share?(): SharedReads;
  /** Makes everything durable and lets go of the storage. */
  close(): Promise<void>;
}
