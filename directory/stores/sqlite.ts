/**
 * The embedded store: SQLite in WAL mode, every write in a group commit.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { NodeId } from "../../crypto/encoding.ts";
import { type CommitTiming, GroupCommit } from "../../ports/group_commit.ts";
import type { Clock, OpenDatabase } from "../../ports/ports.ts";
import { OWN_CHECKPOINT_PAGES, type WriteAhead } from "../../ports/write_ahead.ts";
import type { KeyRefusal } from "../../protocol/directory_key.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { readAll, readBan, readBans, storeBan } from "./sqlite_bans.ts";
import { countUse, insertKey, markRevoked, readKey, readKeys } from "./sqlite_keys.ts";
import { KnownIds } from "./known_ids.ts";
import { NodeCache } from "./node_cache.ts";
import { readCounts } from "./sqlite_counts.ts";
import {
  deleteNode,
  forgetNode,
  listedServices,
  moveServices,
  readPage,
  storedServices,
} from "./sqlite_lists.ts";
import {
  entryOfRow,
  JOIN_LEASE,
  MERGE_NODE,
  nodeValues,
  prepareTables,
  PUT_NODE,
  successionOfRow,
} from "./sqlite_schema.ts";
import { ChangeMarks, type SharedReads } from "./shared_reads.ts";
import { type SweepStep, sweepStep } from "./sqlite_sweep.ts";
import { Statements } from "./statements.ts";
import { UnsyncedIds } from "./unsynced_ids.ts";
import {
  type AllNodesQuery,
  type DirectoryEntry,
  type DirectoryStore,
  type FoundKey,
  type FoundNode,
  isKnown,
  type KeyUse,
  type ListPage,
  type ListQuery,
  type NewEntry,
  type NodeCounts,
  NOTHING_FOUND,
  type ProofUse,
  type StoredBan,
  type StoredKey,
  type StoredSuccession,
  type StoreOutcome,
  type SweepOptions,
  type SweepResult,
} from "./store.ts";

/** The name under which `own` keeps the second up to which proofs may have been used. */
export const PROOF_FLOOR = "proof_floor";

/** When a store whose disk is full may be tried again. */
const WRITE_RETRY_MS = 30_000;

/**
 * How far ahead of the clock the beginning of the memory of proofs may be. One that is farther ahead was noted while
 * the clock was wrong, and would have everybody refused until the time has caught up with it.
 */
const MAX_FLOOR_AHEAD_S = 300;

/** Ids are spread at random over their indexes, so a small cache would have every write read pages. */
const CACHE_KIB = 65_536;
/** Of so many nodes, some announce themselves every second. */
const MANY_NODES = 1_000;

function unwritable(cause: unknown): OpenRedError {
  return new OpenRedError("overloaded", "The store takes no writes now", {
    cause,
    retryAfterMs: WRITE_RETRY_MS,
  });
}

/** {@linkcode DirectoryStore} on a SQLite database. */
export class SqliteStore implements DirectoryStore {
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit;
  readonly #writeAhead: WriteAhead | null;
  readonly #cache = new NodeCache();
  /** The entry of each id that a group stored last, until the call that stored it goes on. */
  readonly #committing = new Map<NodeId, DirectoryEntry>();
  readonly #unsynced: UnsyncedIds;
  readonly #sql: Statements;
  readonly #known: KnownIds;
  /** Where changes are counted for other threads; `null` as long as there are none. */
  #marks: ChangeMarks | null = null;
  /** As they are until something changes. */
  #counts: NodeCounts | null = null;
  #revision = 0;

  /**
   * Opens (or makes) `directory.db`.
   * @param writeAhead Syncs and copies what it writes; SQLite itself does where there is none.
   */
  constructor(
    open: OpenDatabase,
    clock: Pick<Clock, "nowMs" | "setTimer">,
    writeAhead: WriteAhead | null = null,
  ) {
    this.#database = open("directory.db");
    this.#writeAhead = writeAhead;
    writeAhead?.follow((isElsewhere) => {
      const pages = isElsewhere ? 0 : OWN_CHECKPOINT_PAGES;
      this.#database.exec(`PRAGMA wal_autocheckpoint = ${pages}`);
    });
    this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA cache_size = -${CACHE_KIB}`);
    prepareTables(this.#database);
    this.#sql = new Statements(this.#database);
    this.#commit = new GroupCommit(this.#database, clock, {
      isRepeatable: true,
      ...(writeAhead === null ? {} : { sync: () => writeAhead.sync() }),
    });
    this.#unsynced = new UnsyncedIds(this.#commit);
    // A database that was just made remembers no proof: whatever was signed until now may be used up.
    this.#sql.run(
      "INSERT OR IGNORE INTO own (name, value) VALUES (?, ?)",
      PROOF_FLOOR,
      String(Math.floor(clock.nowMs() / 1000)),
    );
    this.#known = new KnownIds({ sql: this.#sql, clock });
    const last = "SELECT 1 FROM nodes WHERE id > '' LIMIT 1 OFFSET ?";
    // Beginning takes longer than anybody may wait later.
    if (this.#sql.get(last, MANY_NODES - 1) !== undefined) writeAhead?.begin();
  }

  timeWith(timing: CommitTiming): void {
    this.#commit.timeWith(timing);
  }

  get revision(): number {
    return this.#revision;
  }

  atHand(id: NodeId): FoundNode | null {
    return this.#cache.get(id) ?? (this.#known.mayHave(id) ? null : NOTHING_FOUND);
  }

  find(id: NodeId): Promise<FoundNode> {
    const held = this.atHand(id);
    if (held !== null) return Promise.resolve(held);
    if (this.#unsynced.has(id)) return this.#findSynced(id);
    const ban = readBan(this.#sql, id);
    const found = {
      entry: this.#entry(id),
      succession: this.#succession(id),
      ...(ban === null ? {} : { ban }),
    };
    if (isKnown(found)) this.#cache.set(id, found);
    return Promise.resolve(found);
  }

  async put(
    input: NewEntry,
    { latestSeq } = { latestSeq: Number.MAX_SAFE_INTEGER },
  ): Promise<StoreOutcome> {
    const { entry } = input;
    let outcome: StoreOutcome = { outcome: "stored" };
    await this.#write(() => outcome = this.#put(input, latestSeq));
    // What came last in the group is what the next announcement is compared with.
    if (this.#committing.get(entry.id) === entry) {
      this.#committing.delete(entry.id);
      this.#cache.set(entry.id, { entry, succession: null });
    }
    return outcome;
  }

  async merge(input: NewEntry): Promise<void> {
    const { entry } = input;
    await this.#write(() => {
      this.#storeStatements(input);
      if (this.#succession(entry.id) !== null || readBan(this.#sql, entry.id) !== null) return;
      this.#storeNode(MERGE_NODE, entry);
      const { lastSeenAt, leaseEndAt, calledBackAt } = entry;
      this.#sql.run(JOIN_LEASE, lastSeenAt, leaseEndAt, calledBackAt, entry.id, entry.text);
      this.#changed(entry.id);
    });
  }

  async putSuccession(succession: StoredSuccession): Promise<void> {
    await this.#write(() => this.#storeSuccession(succession));
  }

  pinnedNext(id: NodeId): Promise<Uint8Array | null> {
    const row = this.#sql.get("SELECT next FROM pins WHERE id = ?", id);
    return Promise.resolve(row === undefined ? null : row["next"] as Uint8Array);
  }

  async list(query: ListQuery): Promise<ListPage> {
    const page = readPage(this.#sql, query);
    const isSynced = ({ id }: DirectoryEntry) => !this.#unsynced.has(id);
    if (page.entries.every(isSynced)) return page;
    try {
      await this.#commit.durable();
      return page;
    } catch {
      // What the disk did not take is told to nobody, and keeps nobody from the rest.
      return { ...page, entries: page.entries.filter(isSynced) };
    }
  }

  listAll(query: AllNodesQuery): Promise<readonly DirectoryEntry[]> {
    return Promise.resolve(readAll(this.#sql, query));
  }

  async remove(id: NodeId): Promise<boolean> {
    let wasThere = false;
    await this.#write(() => {
      wasThere = forgetNode(this.#sql, id);
      this.#changed(id);
    });
    return wasThere;
  }

  async ban(ban: StoredBan): Promise<void> {
    await this.#write(() => {
      storeBan(this.#sql, ban);
      this.#known.add(ban.id);
      this.#changed(ban.id);
    });
  }

  async unban(id: NodeId): Promise<boolean> {
    let wasBanned = false;
    await this.#write(() => {
      wasBanned = this.#sql.run("DELETE FROM bans WHERE id = ?", id) > 0;
      this.#changed(id);
    });
    return wasBanned;
  }

  listBans(
    page: { readonly after: string; readonly limit: number },
  ): Promise<readonly StoredBan[]> {
    return Promise.resolve(readBans(this.#sql, page));
  }

  async addKey(key: Omit<StoredKey, "revokedAt" | "used">): Promise<void> {
    await this.#write(() => insertKey(this.#sql, key));
  }

  findKey(keyId: string, user: string): Promise<FoundKey | null> {
    return Promise.resolve(readKey(this.#sql, keyId, user));
  }

  async useKey(use: KeyUse): Promise<KeyRefusal | null> {
    let refusal: KeyRefusal | null = null;
    await this.#write(() => refusal = countUse(this.#sql, use));
    return refusal;
  }

  async revokeKey(keyId: string, nowMs: number): Promise<boolean> {
    let wasValid = false;
    await this.#write(() => wasValid = markRevoked(this.#sql, keyId, nowMs));
    return wasValid;
  }

  listKeys(
    page: { readonly after: string; readonly limit: number },
  ): Promise<readonly StoredKey[]> {
    return Promise.resolve(readKeys(this.#sql, page));
  }

  countStored(): Promise<number> {
    return Promise.resolve(this.#sql.number("SELECT n FROM stored_count"));
  }

  countOnHost(host: string): Promise<number> {
    const row = this.#sql.get("SELECT n FROM hosts WHERE host = ?", host);
    return Promise.resolve(row === undefined ? 0 : Number(row["n"]));
  }

  countNodes(): Promise<NodeCounts> {
    return Promise.resolve(this.#counts ??= readCounts(this.#sql));
  }

  async claimProof(use: ProofUse): Promise<boolean> {
    let isNew = false;
    await this.#write(() => {
      isNew = false;
      if (use.iatSec <= this.#loweredFloor(Math.floor(use.nowMs / 1000))) return;
      const sql = "INSERT OR IGNORE INTO proofs (jti, iat, used_at) VALUES (?, ?, ?)";
      isNew = this.#sql.run(sql, use.jti, use.iatSec, use.nowMs) === 1;
    });
    return isNew;
  }

  getOwn(name: string): Promise<string | null> {
    return Promise.resolve(this.#own(name));
  }

  async swapOwn(name: string, expected: string | null, value: string): Promise<boolean> {
    let isSet = false;
    await this.#write(() => {
      isSet = this.#own(name) === expected;
      if (isSet) this.#setOwn(name, value);
    });
    return isSet;
  }

  async sweep(options: SweepOptions): Promise<SweepResult> {
    let step: SweepStep | null = null;
    const changed = () => [...step!.forgotten, ...step!.changed];
    await this.#write(() => {
      step = this.#sweepStep(options);
      for (const id of changed()) this.#changed(id);
      this.#counts = null;
    }, () => changed().length + step!.proofs);
    const { forgotten, proofs, isDone } = step!;
    return { forgotten: forgotten.length, proofs, isDone };
  }

  share(): SharedReads {
    const marks = new ChangeMarks();
    this.#marks = marks;
    return {
      marks: marks.shared,
      follow: (adopt) => this.#known.followedBy((filter) => adopt(marks.countWith(filter))),
    };
  }

  async close(): Promise<void> {
    this.#known.stop();
    // The last of all that waits; whoever does hears of a failure.
    const { isIdle } = this.#commit;
    const last = isIdle ? this.#commit.durable() : this.#commit.write(() => {});
    this.#commit.flush();
    await last.catch(() => {});
    await this.#writeAhead?.stop();
    this.#database.close();
  }

  #sweepStep(options: SweepOptions): SweepStep {
    const step = sweepStep(this.#sql, options);
    // A proof id that is forgotten must stay used, even if the clock is set back a little.
    const floorSec = Math.max(this.#proofFloor(), step.highestIatSec);
    if (step.proofs > 0) this.#setOwn(PROOF_FLOOR, String(floorSec));
    return step;
  }

  #put(input: NewEntry, latestSeq: number): StoreOutcome {
    const { entry } = input;
    const cached = this.#cache.get(entry.id);
    const succession = cached === undefined ? this.#succession(entry.id) : cached.succession;
    if (succession !== null) return { outcome: "succeeded", succession };
    const ban = cached === undefined ? readBan(this.#sql, entry.id) : cached.ban ?? null;
    if (ban !== null) return { outcome: "banned" };
    if (!this.#storeNode(PUT_NODE, entry, latestSeq)) {
      return { outcome: "behind", entry: this.#entry(entry.id)! };
    }
    this.#storeStatements(input);
    this.#committing.set(entry.id, entry);
    return { outcome: "stored" };
  }

  /** Pins the first `next` seen for an id, and stores the succession that came with the record. */
  #storeStatements({ entry, next, succession }: NewEntry): void {
    if (succession !== null) this.#storeSuccession(succession);
    if (next !== null) this.#pin(entry.id, next);
  }

  #storeSuccession(succession: StoredSuccession): void {
    const { oldId, newId, text, storedAt, next } = succession;
    this.#sql.run(
      `INSERT OR IGNORE INTO successions (old_id, new_id, text, stored_at, host)
      VALUES (?, ?, ?, ?, coalesce((SELECT host FROM nodes WHERE id = ?), ''))`,
      oldId,
      newId,
      text,
      storedAt,
      oldId,
    );
    this.#known.add(oldId);
    if (next !== null) this.#pin(newId, next);
    deleteNode(this.#sql, oldId);
    this.#changed(oldId);
  }

  #pin(id: NodeId, next: Uint8Array): void {
    this.#sql.run("INSERT OR IGNORE INTO pins (id, next) VALUES (?, ?)", id, next);
  }

  /** @returns Whether it was stored. */
  #storeNode(sql: string, entry: DirectoryEntry, ...more: number[]): boolean {
    const { id } = entry;
    const cached = this.#cache.get(id)?.entry;
    const before = cached ? listedServices(cached) : storedServices(this.#sql, id);
    if (this.#sql.run(sql, ...nodeValues(entry), ...more) === 0) return false;
    moveServices(this.#sql, id, { before, after: listedServices(entry) });
    this.#known.add(id);
    this.#changed(id);
    return true;
  }

  /** Nobody reads between a change and its commit, so the cache forgets the node here already: what it has is stored. */
  #changed(id: NodeId): void {
    this.#cache.delete(id);
    this.#committing.delete(id);
    this.#unsynced.add(id);
    this.#marks?.changed(id);
    this.#counts = null;
    this.#revision += 1;
  }

  #proofFloor(): number {
    return Number(this.#own(PROOF_FLOOR));
  }

  /** The second up to which proofs may have been used: now, where it is said to be later by much. */
  #loweredFloor(nowSec: number): number {
    const floorSec = this.#proofFloor();
    if (floorSec <= nowSec + MAX_FLOOR_AHEAD_S) return floorSec;
    this.#setOwn(PROOF_FLOOR, String(nowSec));
    return nowSec;
  }

  async #findSynced(id: NodeId): Promise<FoundNode> {
    try {
      await this.#commit.durable();
    } catch (error) {
      throw unwritable(error);
    }
    return await this.find(id);
  }

  /** Runs one write in the next group. @param rows How many it has written then. */
  async #write(apply: () => void, rows = () => 1): Promise<void> {
    try {
      await this.#commit.write(apply);
    } catch (error) {
      this.#committing.clear();
      throw unwritable(error);
    } finally {
      this.#unsynced.prune();
    }
    this.#writeAhead?.written(rows());
  }

  #entry(id: NodeId): DirectoryEntry | null {
    const row = this.#sql.get("SELECT * FROM nodes WHERE id = ?", id);
    return row === undefined ? null : entryOfRow(row);
  }

  #succession(id: NodeId): StoredSuccession | null {
    const row = this.#sql.get("SELECT * FROM successions WHERE old_id = ?", id);
    return row === undefined ? null : successionOfRow(row);
  }

  #own(name: string): string | null {
    const row = this.#sql.get("SELECT value FROM own WHERE name = ?", name);
    return row === undefined ? null : row["value"] as string;
  }

  #setOwn(name: string, value: string): void {
    this.#sql.run("INSERT OR REPLACE INTO own (name, value) VALUES (?, ?)", name, value);
  }
}
