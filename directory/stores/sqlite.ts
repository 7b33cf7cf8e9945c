/**
 * The embedded store: SQLite in WAL mode, every write in a group commit.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { NodeId } from "../../crypto/encoding.ts";
import { GroupCommit } from "../../ports/group_commit.ts";
import type { Clock, OpenDatabase } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { NodeCache } from "./node_cache.ts";
import {
  entryOfRow,
  JOIN_LEASE,
  MERGE_NODE,
  nodeValues,
  PUT_NODE,
  SCHEMA,
  successionOfRow,
} from "./sqlite_schema.ts";
import { Statements } from "./statements.ts";
import type {
  DirectoryEntry,
  DirectoryStore,
  FoundNode,
  ListPage,
  ListQuery,
  NewEntry,
  ProofUse,
  StoredSuccession,
  StoreOutcome,
  SweepResult,
} from "./store.ts";

/** A page looks at no more rows than this, whatever it filters by, so that none blocks the process. */
const MAX_ROWS_LOOKED_AT = 5_000;

/** The name under which `own` keeps the second up to which proofs may have been used. */
const PROOF_FLOOR = "proof_floor";

/** When a store whose disk is full may be tried again. */
const WRITE_RETRY_MS = 30_000;

const COUNT_NODES = "SELECT count(*) AS n FROM nodes WHERE gone = 0";

/** {@linkcode DirectoryStore} on a SQLite database. */
export class SqliteStore implements DirectoryStore {
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit;
  readonly #cache = new NodeCache();
  /** The entry of each id that a group stored last, until the call that stored it goes on. */
  readonly #committing = new Map<NodeId, DirectoryEntry>();
  readonly #sql: Statements;
  #revision = 0;
  #nodeCount: number;
  #proofFloorSec: number;

  /** Opens (or makes) `directory.db`. */
  constructor(open: OpenDatabase, clock: Pick<Clock, "nowMs" | "setTimer">) {
    this.#database = open("directory.db");
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    this.#database.exec(SCHEMA);
    this.#sql = new Statements(this.#database);
    this.#commit = new GroupCommit(this.#database, clock);
    this.#nodeCount = this.#sql.number(COUNT_NODES);
    // A database that was just made remembers no proof: whatever was signed until now may be used up.
    this.#sql.run(
      "INSERT OR IGNORE INTO own (name, value) VALUES (?, ?)",
      PROOF_FLOOR,
      String(Math.floor(clock.nowMs() / 1000)),
    );
    this.#proofFloorSec = Number(this.#own(PROOF_FLOOR));
  }

  get revision(): number {
    return this.#revision;
  }

  find(id: NodeId): Promise<FoundNode> {
    const cached = this.#cache.get(id);
    if (cached !== undefined) return Promise.resolve(cached);
    const found = { entry: this.#entry(id), succession: this.#succession(id) };
    // Unknown ids are free to make, so they must not push known ones out.
    if (found.entry !== null || found.succession !== null) this.#cache.set(id, found);
    return Promise.resolve(found);
  }

  async put(input: NewEntry): Promise<StoreOutcome> {
    const { entry } = input;
    let outcome: StoreOutcome = { outcome: "stored" };
    await this.#write(() => outcome = this.#put(input));
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
      if (this.#succession(entry.id) !== null) return;
      this.#counted(entry.id, () => this.#sql.run(MERGE_NODE, ...nodeValues(entry)));
      const { lastSeenAt, leaseEndAt, calledBackAt } = entry;
      this.#sql.run(JOIN_LEASE, lastSeenAt, leaseEndAt, calledBackAt, entry.id, entry.text);
    });
  }

  async putSuccession(succession: StoredSuccession): Promise<void> {
    await this.#write(() => this.#storeSuccession(succession));
  }

  pinnedNext(id: NodeId): Promise<Uint8Array | null> {
    const row = this.#sql.get("SELECT next FROM pins WHERE id = ?", id);
    return Promise.resolve(row === undefined ? null : row["next"] as Uint8Array);
  }

  list(query: ListQuery): Promise<ListPage> {
    const looked = query.alias === null ? "id > ?" : "id > ? AND alias = ?";
    const filter = query.service === null ? "" : "AND instr(services, ?) > 0";
    const rows = this.#sql.prepare(`
      SELECT * FROM (SELECT * FROM nodes WHERE ${looked} ORDER BY id LIMIT ${MAX_ROWS_LOOKED_AT})
      WHERE listed AND lease_end_at > ? AND lease_end_at <= ? ${filter} ORDER BY id LIMIT ?`)
      .all(
        query.after,
        ...(query.alias === null ? [] : [query.alias]),
        query.leaseEndsAfter,
        query.leaseEndsBy,
        ...(query.service === null ? [] : [`\n${query.service}\n`]),
        query.limit + 1,
      );
    const entries = rows.slice(0, query.limit).map(entryOfRow);
    if (rows.length > query.limit) {
      return Promise.resolve({ entries, nextAfter: entries.at(-1)!.id });
    }
    return Promise.resolve({ entries, nextAfter: this.#lastLookedAt(looked, query) });
  }

  countOnHost(host: string, except: NodeId): Promise<number> {
    const sql = "SELECT count(*) AS n FROM nodes WHERE host = ? AND host <> '' AND id <> ?";
    return Promise.resolve(this.#sql.number(sql, host, except));
  }

  countNodes(): Promise<number> {
    return Promise.resolve(this.#nodeCount);
  }

  countLeases(endsAfter: readonly number[]): Promise<readonly number[]> {
    const sql = "SELECT count(*) AS n FROM nodes WHERE gone = 0 AND lease_end_at > ?";
    return Promise.resolve(endsAfter.map((instant) => this.#sql.number(sql, instant)));
  }

  async claimProof(use: ProofUse): Promise<boolean> {
    let isNew = false;
    await this.#write(() => {
      if (use.iatSec <= this.#proofFloorSec) return;
      const sql = "INSERT OR IGNORE INTO proofs (jti, iat, used_at) VALUES (?, ?, ?)";
      isNew = this.#sql.run(sql, use.jti, use.iatSec, use.nowMs) === 1;
    });
    return isNew;
  }

  getOwn(name: string): Promise<string | null> {
    return Promise.resolve(this.#own(name));
  }

  async setOwn(name: string, value: string): Promise<void> {
    await this.#write(() => this.#setOwn(name, value));
  }

  async sweep(
    { leasesBefore, proofsBefore }: { leasesBefore: number; proofsBefore: number },
  ): Promise<SweepResult> {
    let forgotten = 0;
    let proofs = 0;
    let floorSec = this.#proofFloorSec;
    await this.#write(() => {
      const floor = "SELECT coalesce(max(iat), 0) AS n FROM proofs WHERE used_at < ?";
      floorSec = Math.max(floorSec, this.#sql.number(floor, proofsBefore));
      proofs = this.#sql.run("DELETE FROM proofs WHERE used_at < ?", proofsBefore);
      if (proofs > 0) this.#setOwn(PROOF_FLOOR, String(floorSec));
      forgotten = this.#forget(leasesBefore);
    });
    // A proof id that is forgotten must stay used, even if the clock is set back.
    this.#proofFloorSec = floorSec;
    return { forgotten, proofs };
  }

  close(): Promise<void> {
    this.#commit.flush();
    this.#database.close();
    return Promise.resolve();
  }

  #put(input: NewEntry): StoreOutcome {
    const { entry } = input;
    const succession = this.#succession(entry.id);
    if (succession !== null) return { outcome: "succeeded", succession };
    const stored = this.#counted(entry.id, () => this.#sql.run(PUT_NODE, ...nodeValues(entry)));
    if (stored === 0) return { outcome: "behind", entry: this.#entry(entry.id)! };
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
      "INSERT OR IGNORE INTO successions VALUES (?, ?, ?, ?)",
      oldId,
      newId,
      text,
      storedAt,
    );
    if (next !== null) this.#pin(newId, next);
    this.#counted(oldId, () => this.#sql.run("DELETE FROM nodes WHERE id = ?", oldId));
  }

  #pin(id: NodeId, next: Uint8Array): void {
    this.#sql.run("INSERT OR IGNORE INTO pins (id, next) VALUES (?, ?)", id, next);
  }

  /**
   * Runs a change of one node's row, keeping count of the nodes that are not gone. Nobody reads
   * between this and the commit, so the cache may forget the node here already.
   */
  #counted(id: NodeId, change: () => number): number {
    const sql = "SELECT count(*) AS n FROM nodes WHERE id = ? AND gone = 0";
    const before = this.#sql.number(sql, id);
    const changes = change();
    if (changes > 0) this.#nodeCount += this.#sql.number(sql, id) - before;
    this.#cache.delete(id);
    this.#committing.delete(id);
    this.#revision += 1;
    return changes;
  }

  #forget(before: number): number {
    const nodes = this.#sql.run("DELETE FROM nodes WHERE lease_end_at < ?", before);
    const links = this.#sql.run("DELETE FROM successions WHERE stored_at < ?", before);
    if (nodes + links === 0) return 0;
    this.#cache.clear();
    this.#committing.clear();
    this.#revision += 1;
    this.#nodeCount = this.#sql.number(COUNT_NODES);
    this.#sql.run(`DELETE FROM pins WHERE id NOT IN (SELECT id FROM nodes)
      AND id NOT IN (SELECT old_id FROM successions)`);
    return nodes;
  }

  /** Runs one write in the next group; what it counted is counted anew if the group fails. */
  async #write(apply: () => void): Promise<void> {
    try {
      await this.#commit.write(apply);
    } catch (error) {
      this.#committing.clear();
      this.#nodeCount = this.#sql.number(COUNT_NODES);
      throw new OpenRedError("overloaded", "The store takes no writes now", {
        cause: error,
        retryAfterMs: WRITE_RETRY_MS,
      });
    }
  }

  #lastLookedAt(looked: string, query: ListQuery): string | null {
    const row = this.#sql.prepare(
      `SELECT id FROM nodes WHERE ${looked} ORDER BY id LIMIT 1 OFFSET ${MAX_ROWS_LOOKED_AT - 1}`,
    ).get(query.after, ...(query.alias === null ? [] : [query.alias]));
    return row === undefined ? null : row["id"] as string;
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
