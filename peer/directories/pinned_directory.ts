/**
 * The identity of one directory: pinned at its first answer, and followed only by its own succession.
 *
 * @module
 */
import { isNodeId, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import type { RegisterAnswer } from "../../protocol/directory_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  checkNotAhead,
  compareRecords,
  type VerifiedRecord,
  verifyRecord,
} from "../../protocol/record.ts";
import { openSuccession } from "../../protocol/statements.ts";
import type { NodeEvents } from "../events/events.ts";
import type { NodeStore } from "../store/store.ts";

interface PinnedParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly store: NodeStore;
  readonly events: NodeEvents;
}

interface Pinned {
  /** The id that was pinned first; another one where a succession was followed since. */
  readonly firstId: string;
  readonly record: VerifiedRecord;
  readonly next: Uint8Array | null;
}

/** What this node holds of one directory, in memory and in the database. */
export class PinnedDirectory {
  readonly #parts: PinnedParts;
  readonly #url: string;
  #expectedId: NodeId | null;
  #pinned: Pinned | null = null;
  #takenSeq = 0;

  /** @param options `expectedId`: the one that the owner wrote down, if any. */
  constructor(parts: PinnedParts, options: { url: string; expectedId: NodeId | null }) {
    this.#parts = parts;
    this.#url = options.url;
    this.#expectedId = options.expectedId;
  }

  /** The newest record of the directory, or `null` before its first answer. */
  get record(): VerifiedRecord | null {
    return this.#pinned?.record ?? null;
  }

  /** The highest `seq` of this node's own records that the directory is known to hold. */
  get takenSeq(): number {
    return this.#takenSeq;
  }

  /** Reads what was pinned in an earlier run. */
  async load(): Promise<void> {
    const { store, crypto, events } = this.#parts;
    const row = store.statement("SELECT * FROM directories WHERE url = ?").get(this.#url);
    if (row === undefined) return;
    const firstId = String(row.id);
    const record = await verifyRecord(crypto, String(row.record)).catch(() => null);
    if (record === null) {
      // The id stays pinned: the next answer has to be of the same directory.
      if (isNodeId(firstId)) this.#expectedId ??= firstId;
      const text = `The stored record of ${this.#url} is damaged; it is asked for again`;
      return events.warn(`directory ${this.#url}`, text);
    }
    if (this.#expectedId !== null && ![firstId, record.id].includes(this.#expectedId)) return;
    const next = row.next === null ? null : new Uint8Array(row.next as Uint8Array);
    this.#pinned = { firstId, record, next };
    this.#takenSeq = Number(row.taken_seq);
  }

  /** Notes the `seq` of an own record that the directory showed; stored with what is noted next. */
  noteShown(seq: number): void {
    this.#takenSeq = Math.max(this.#takenSeq, seq);
  }

  /** Notes durably that the directory took an own record. */
  async noteTaken(seq: number): Promise<void> {
    // What it took replaces what it held, also a number from a clock that was ahead.
    this.#takenSeq = seq;
    const { store } = this.#parts;
    await store.write(() => {
      store.statement("UPDATE directories SET taken_seq = ? WHERE url = ?")
        .run(this.#takenSeq, this.#url);
    });
  }

  /**
   * Takes the directory's record out of an answer of its own. The first one pins its id.
   * @throws {OpenRedError} `forbidden` if another directory answers here.
   */
  async pin(
    answer: Pick<RegisterAnswer, "directory" | "succession"> & { directory_id?: NodeId },
  ): Promise<void> {
    const record = await verifyRecord(this.#parts.crypto, answer.directory);
    const expected = this.#pinned?.record.id ?? this.#expectedId ?? record.id;
    if (answer.directory_id !== undefined && answer.directory_id !== record.id) {
      throw new OpenRedError("forbidden", "The directory's answer and its record differ");
    }
    if (record.id !== expected && !(await this.#succeeds(record, answer.succession))) {
      this.#parts.events.warn(
        `directory ${this.#url}`,
        `Another directory (${record.id}) answers at ${this.#url}, where ${expected} is pinned. ` +
          `To accept it, list ${this.#url}#${record.id}`,
      );
      throw new OpenRedError("forbidden", "Another directory answers at this URL");
    }
    await this.takeRecord(record);
  }

  async #succeeds(record: VerifiedRecord, text: string | undefined): Promise<boolean> {
    const pinned = this.#pinned;
    if (text === undefined || pinned === null) return false;
    try {
      const link = await openSuccession(this.#parts.crypto, {
        text,
        pinnedNext: (old) => Promise.resolve(old === pinned.record.id ? pinned.next : null),
      });
      if (link.iss !== record.id) return false;
      checkNotAhead(record, this.#parts.clock.nowMs());
      const { firstId } = pinned;
      await this.#hold({ firstId, record, next: link.next ?? record.payload.next ?? null });
      return true;
    } catch (error) {
      if (error instanceof OpenRedError) return false;
      throw error;
    }
  }

  /** Takes a record of the pinned directory, if it is newer and not ahead of this clock. */
  async takeRecord(record: VerifiedRecord): Promise<void> {
    const held = this.#pinned;
    if (held !== null && record.id !== held.record.id) return;
    if (held !== null && compareRecords(record, held.record) <= 0) return;
    try {
      checkNotAhead(record, this.#parts.clock.nowMs());
    } catch (error) {
      if (held !== null) return;
      throw error;
    }
    const next = held?.next ?? record.payload.next ?? null;
    await this.#hold({ firstId: held?.firstId ?? record.id, record, next });
  }

  async #hold(pinned: Pinned): Promise<void> {
    this.#pinned = pinned;
    const { firstId, record, next } = pinned;
    const { store } = this.#parts;
    await store.write(() => {
      store.statement(
        "INSERT OR REPLACE INTO directories (url, id, record, next, taken_seq) VALUES (?, ?, ?, ?, ?)",
      ).run(this.#url, firstId, record.text, next, this.#takenSeq);
    });
  }
}
