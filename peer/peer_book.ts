/**
 * Everybody this node has heard of: their newest record, what is pinned, and whether they are known
 * (a session was once confirmed) and accepted (somebody here connected or wrote to them).
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import type { CryptoCore } from "../crypto/interface.ts";
import type { Clock } from "../ports/ports.ts";
import { hasCode, OpenRedError } from "../protocol/errors.ts";
import {
  checkTimes,
  compareRecords,
  type VerifiedRecord,
  verifyRecord,
} from "../protocol/record.ts";
import { openSuccession, type Succession } from "../protocol/statements.ts";
import type { NodeEvents } from "./events.ts";
import type { NodeStore } from "./store.ts";

/** One peer. The book alone changes it. */
export interface Peer {
  readonly id: NodeId;
  readonly record: VerifiedRecord;
  readonly known: boolean;
  readonly accepted: boolean;
  /** SHA-256 of the raw key that may follow, pinned when first seen. */
  readonly next: Uint8Array | null;
  /** The succession that ended this id, or `null`. */
  readonly succession: string | null;
}

type PeerChange = Partial<Omit<Peer, "id">>;

/** The node's peers, in memory and in the database. */
export class PeerBook {
  readonly #crypto: CryptoCore;
  readonly #clock: Clock;
  readonly #store: NodeStore;
  readonly #events: NodeEvents;
  readonly #ownId: NodeId;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #successors = new Set<(old: NodeId, next: NodeId) => void>();

  constructor(
    parts: { crypto: CryptoCore; clock: Clock; store: NodeStore; events: NodeEvents },
    ownId: NodeId,
  ) {
    this.#crypto = parts.crypto;
    this.#clock = parts.clock;
    this.#store = parts.store;
    this.#events = parts.events;
    this.#ownId = ownId;
  }

  /** Reads all peers from the database. A damaged row is reported and left out. */
  async load(): Promise<void> {
    const rows = this.#store.statement("SELECT * FROM peers").all();
    await Promise.all(rows.map(async (row) => {
      try {
        const record = await verifyRecord(this.#crypto, String(row.record));
        this.#peers.set(record.id, {
          id: record.id,
          record,
          known: row.known === 1,
          accepted: row.accepted === 1,
          next: row.next === null ? null : new Uint8Array(row.next as Uint8Array),
          succession: row.succession === null ? null : String(row.succession),
        });
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
        this.#events.warn(`peer_damaged ${row.id}`, `The stored record of ${row.id} is damaged`);
      }
    }));
  }

  get(id: NodeId): Peer | null {
    return this.#peers.get(id) ?? null;
  }

  all(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  /** Calls `listener` when a contact moved from one id to the next. */
  onSuccession(listener: (old: NodeId, next: NodeId) => void): void {
    this.#successors.add(listener);
  }

  /**
   * Judges a record somebody showed, by what this node holds of that id.
   * @returns The record that counts from now on: the newer of both. A known peer's record that
   *   fails by its times alone is left aside.
   * @throws {OpenRedError} `record_stale` or `clock_ahead` for a stranger's, `succeeded`.
   */
  judge(record: VerifiedRecord): VerifiedRecord {
    const held = this.get(record.id);
    if (held !== null && held.succession !== null) {
      throw new OpenRedError("succeeded", "Another identity has followed this one");
    }
    if (record.text === held?.record.text && held.known) return held.record;
    try {
      checkTimes(record, this.#clock.nowMs());
    } catch (error) {
      if (held?.known !== true || !hasCode(error, "clock_ahead", "record_stale")) throw error;
      this.#events.audit("clock_skew", { peer: record.id, success: false });
      return held.record;
    }
    return held === null || compareRecords(record, held.record) > 0 ? record : held.record;
  }

  /**
   * Takes a record into the book, if it is the newest of its id.
   * @throws {OpenRedError} As {@linkcode judge}.
   */
  async take(record: VerifiedRecord): Promise<Peer> {
    if (record.id === this.#ownId) throw new RangeError("Cannot take the own record as a peer's");
    const newest = this.judge(record);
    const held = this.get(record.id);
    if (held === null) {
      return await this.#put({
        id: record.id,
        record: newest,
        known: false,
        accepted: false,
        next: newest.payload.next ?? null,
        succession: null,
      });
    }
    if (newest.text === held.record.text) return held;
    this.#noteChange(held, newest);
    return await this.#change(held.id, {
      record: newest,
      next: held.next ?? newest.payload.next ?? null,
    });
  }

  #noteChange(held: Peer, record: VerifiedRecord): void {
    if (record.payload.seq === held.record.payload.seq) {
      this.#events.audit("record_clash", { peer: held.id, success: false });
    }
    const before = held.record.payload.noise_key.toString();
    if (held.known && before !== record.payload.noise_key.toString()) {
      this.#events.audit("peer_key_changed", { peer: held.id, success: true });
      this.#events.emit({ type: "warning", text: `The noise key of ${held.id} has changed` });
    }
  }

  async setKnown(id: NodeId): Promise<void> {
    if (this.get(id)?.known === false) await this.#change(id, { known: true });
  }

  async setAccepted(id: NodeId): Promise<void> {
    if (this.get(id)?.accepted === false) await this.#change(id, { accepted: true });
  }

  /** Forgets a peer who never was more than an introduction. */
  async forget(id: NodeId): Promise<void> {
    const peer = this.get(id);
    if (peer === null || peer.known || peer.accepted || peer.succession !== null) return;
    this.#peers.delete(id);
    await this.#store.write(() => {
      this.#store.statement("DELETE FROM peers WHERE id = ?").run(id);
    });
  }

  /**
   * Follows a chain of successions, oldest link first: the contact and its flags move to the last id.
   * @returns Whether it was followed. A chain whose old id has no pin here is left aside.
   * @throws {OpenRedError} `bad_request`, `unsupported`, `bad_signature`, `succession_refused`.
   */
  async follow(options: { chain: readonly string[]; record: VerifiedRecord }): Promise<boolean> {
    let first: NodeId | null = null;
    let expected: { old: NodeId; next: Uint8Array | null } | null = null;
    for (const text of options.chain) {
      const before = expected;
      const link: Succession = await openSuccession(this.#crypto, {
        text,
        pinnedNext: (old) => {
          first ??= old;
          if (before !== null) return Promise.resolve(old === before.old ? before.next : null);
          return Promise.resolve(this.get(old)?.next ?? null);
        },
      }).catch((error: unknown) => {
        if (before === null && first !== null && this.get(first)?.next == null) return null;
        throw error;
      }) as Succession;
      if (link === null) return false;
      expected = { old: link.iss, next: link.next ?? null };
    }
    if (first === null || expected?.old !== options.record.id) {
      throw new OpenRedError("succession_refused", "The succession speaks for another id");
    }
    await this.#succeed(
      first,
      { text: options.chain.at(-1) ?? "", record: options.record },
      expected.next,
    );
    return true;
  }

  async #succeed(
    oldId: NodeId,
    options: { text: string; record: VerifiedRecord },
    next: Uint8Array | null,
  ): Promise<void> {
    const old = this.get(oldId);
    if (old === null || old.succession !== null) return;
    const { id } = await this.take(options.record);
    await this.#change(id, { known: old.known, accepted: old.accepted, next });
    await this.#change(oldId, { succession: options.text });
    await this.#store.write(() => {
      this.#store.statement("UPDATE outbox SET peer = ? WHERE peer = ? AND delivered = 0")
        .run(id, oldId);
    });
    this.#events.audit("peer_succeeded", { peer: id, success: true });
    for (const listener of this.#successors) listener(oldId, id);
  }

  #change(id: NodeId, change: PeerChange): Promise<Peer> {
    const peer = this.get(id);
    if (peer === null) throw new RangeError("Cannot change a peer that is not in the book");
    return this.#put({ ...peer, ...change });
  }

  async #put(peer: Peer): Promise<Peer> {
    this.#peers.set(peer.id, peer);
    await this.#store.write(() => {
      this.#store.statement(
        "INSERT OR REPLACE INTO peers (id, record, next, known, accepted, succession) VALUES (?, ?, ?, ?, ?, ?)",
      ).run(
        peer.id,
        peer.record.text,
        peer.next,
        Number(peer.known),
        Number(peer.accepted),
        peer.succession,
      );
    });
    return peer;
  }
}
