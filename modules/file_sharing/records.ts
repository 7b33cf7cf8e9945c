/**
 * What file sharing keeps of one kind: all of it in memory, and sealed in the node's database.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, ModuleTables, NodeId } from "../api.ts";

export type RecordKind = "share" | "offer" | "transfer" | "link" | "request";

export interface RecordParts extends Pick<ModuleContext, "storage" | "events" | "random"> {
  readonly tables: ModuleTables;
}

export interface Held<T> {
  readonly id: string;
  /** Changes when another identity follows the peer. */
  readonly peer: NodeId;
  readonly value: T;
}

const ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const ID_LENGTH = 8;
/** What one call of the core opens; a row that is longer has a call of its own. */
const PAGE_ROWS = 256;
const PAGE_BYTES = 2 * 2 ** 20;
/** Of one record: sealed, and with all that a call adds, it stays below what the core takes. */
const MAX_RECORD_BYTES = 3 * 2 ** 20;

interface SealedRecord {
  readonly id: string;
  readonly peer: NodeId;
  readonly sealed: Uint8Array;
}

/** The records of one kind. */
export class Records<T> {
  readonly #parts: RecordParts;
  readonly #kind: RecordKind;
  /** In the order in which they were made. */
  readonly #held = new Map<string, Held<T>>();
  /** One write follows the other, so that the last word about a record is the one that stays. */
  #written: Promise<unknown> = Promise.resolve();

  constructor(parts: RecordParts, kind: RecordKind) {
    this.#parts = parts;
    this.#kind = kind;
  }

  /** Reads what an earlier run has left. */
  async load(): Promise<void> {
    const { tables } = this.#parts;
    const rows = tables.statement(
      "SELECT * FROM file_sharing_records WHERE kind = ? ORDER BY rowid",
    )
      .all(this.#kind);
    const records = rows.map((row): SealedRecord => ({
      id: String(row.id),
      peer: row.peer as NodeId,
      sealed: row.sealed as Uint8Array,
    }));
    for (const page of pagesOf(records)) await this.#open(page);
  }

  async #open(page: readonly SealedRecord[]): Promise<void> {
    const { storage, events } = this.#parts;
    const rows = page.map(({ id, sealed }) => ({ aad: this.#aad(id), sealed }));
    for (const [at, content] of (await storage.open(rows)).entries()) {
      const { id, peer } = page[at]!;
      if (content === null) {
        events.warn("damaged", "What was kept of a file was changed on disk, and is lost");
        continue;
      }
      const value: T = JSON.parse(decodeUtf8(content));
      this.#held.set(id, { id, peer, value });
    }
  }

  /** A name for a new record, for people to type. */
  newId(): string {
    for (;;) {
      const bytes = this.#parts.random.bytes(ID_LENGTH);
      const id = [...bytes].map((byte) => ID_LETTERS[byte & 31]).join("");
      if (!this.#held.has(id)) return id;
    }
  }

  get size(): number {
    return this.#held.size;
  }

  get(id: string): Held<T> | null {
    return this.#held.get(id) ?? null;
  }

  all(): readonly Held<T>[] {
    return [...this.#held.values()];
  }

  of(peer: NodeId): readonly Held<T>[] {
    return this.all().filter((held) => held.peer === peer);
  }

  /**
   * Keeps a new record. @returns Once it is durable.
   * @throws {OpenRedError} `overloaded`, `too_large`; then it is not kept.
   */
  async add(held: Held<T>): Promise<void> {
    this.#held.set(held.id, held);
    try {
      await this.#write(held.id);
    } catch (error) {
      this.#held.delete(held.id);
      throw error;
    }
  }

  /** Changes a record at once, and on disk before it resolves. One that has gone meanwhile is left alone. */
  async change(id: string, change: (value: T) => T): Promise<void> {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.set(id, { ...held, value: change(held.value) });
    await this.#write(id);
  }

  async remove(id: string): Promise<void> {
    if (this.#held.delete(id)) await this.#write(id);
  }

  #write(id: string): Promise<void> {
    const written = this.#written.then(() => this.#writeNow(id));
    this.#written = written.catch(() => undefined);
    return written;
  }

  async #writeNow(id: string): Promise<void> {
    const { storage, tables } = this.#parts;
    const held = this.#held.get(id);
    const content = encodeUtf8(JSON.stringify(held?.value ?? null));
    if (content.length > MAX_RECORD_BYTES) {
      throw new OpenRedError("too_large", "The list of files is too long to be kept");
    }
    const [sealed] = await storage.seal([{ aad: this.#aad(id), content }]);
    await tables.write(() => {
      // Whom it concerns may have changed while it was sealed.
      const peer = this.#held.get(id)?.peer;
      if (peer === undefined) {
        tables.statement("DELETE FROM file_sharing_records WHERE kind = ? AND id = ?")
          .run(this.#kind, id);
        this.#writeDropParts(id);
        return;
      }
      tables.statement(
        "INSERT INTO file_sharing_records (kind, id, peer, sealed) VALUES (?, ?, ?, ?) " +
          "ON CONFLICT (kind, id) DO UPDATE SET peer = excluded.peer, sealed = excluded.sealed",
      ).run(this.#kind, id, peer, sealed!);
    });
  }

  /** Inside a transaction: what concerned a peer concerns the one that followed it. */
  writeMove(old: NodeId, next: NodeId): void {
    for (const held of this.of(old)) this.#held.set(held.id, { ...held, peer: next });
    this.#parts.tables.statement(
      "UPDATE file_sharing_records SET peer = ? WHERE kind = ? AND peer = ?",
    ).run(next, this.#kind, old);
  }

  /** Inside a transaction. @returns What went. */
  writeDrop(peer: NodeId): readonly Held<T>[] {
    const { tables } = this.#parts;
    const gone = this.of(peer);
    for (const { id } of gone) {
      this.#held.delete(id);
      this.#writeDropParts(id);
    }
    tables.statement("DELETE FROM file_sharing_records WHERE kind = ? AND peer = ?")
      .run(this.#kind, peer);
    return gone;
  }

  #writeDropParts(id: string): void {
    if (this.#kind !== "share") return;
    this.#parts.tables.statement("DELETE FROM file_sharing_parts WHERE share = ?").run(id);
  }

  #aad(id: string): Uint8Array {
    return encodeUtf8(`${this.#kind} ${id}`);
  }
}

/** Rows in parts that are opened one by one. */
function pagesOf(records: readonly SealedRecord[]): readonly SealedRecord[][] {
  const pages: SealedRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    bytes += record.sealed.length;
    const last = pages.at(-1);
    if (last !== undefined && bytes <= PAGE_BYTES && last.length < PAGE_ROWS) last.push(record);
    else {
      pages.push([record]);
      bytes = record.sealed.length;
    }
  }
  return pages;
}
