/**
 * Everybody this node has heard of: their newest record, what is pinned, and whether they are known
 * (a session was once confirmed). What they may do is in `permissions/`.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore } from "../../crypto/interface.ts";
import type { Clock } from "../../ports/ports.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import {
  checkTimes,
  compareRecords,
  type VerifiedRecord,
  verifyRecord,
} from "../../protocol/record.ts";
import { openSuccession, type Succession, successorOf } from "../../protocol/statements.ts";
import { PeerNotes } from "../events/peer_notes.ts";
import type { NodeEvents } from "../events/events.ts";
import type { NodeStore } from "../store/store.ts";

/** One peer. The book alone changes it. */
export interface Peer {
  readonly id: NodeId;
  readonly record: VerifiedRecord;
  readonly known: boolean;
  /** SHA-256 of the raw key that may follow, pinned when first seen. */
  readonly next: Uint8Array | null;
  /** The succession that ended this id, or `null`. */
  readonly succession: string | null;
  /** When its pairs were revoked, by the wall clock; `null` once somebody here has asked for it since. */
  readonly revokedAt: number | null;
}

type PeerChange = Partial<Omit<Peer, "id">>;

/** The node's peers, in memory and in the database. */
export class PeerBook {
  readonly #crypto: CryptoCore;
  readonly #clock: Clock;
  readonly #store: NodeStore;
  readonly #events: NodeEvents;
  readonly #notes: PeerNotes;
  readonly #ownId: NodeId;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #successors = new Set<(old: NodeId, next: NodeId) => void>();
  readonly #movers = new Set<(old: NodeId, next: NodeId) => void>();
  /** Whose row could not be written; the next change of such a peer writes it again. */
  readonly #unsaved = new Set<NodeId>();

  constructor(
    parts: { crypto: CryptoCore; clock: Clock; store: NodeStore; events: NodeEvents },
    ownId: NodeId,
  ) {
    this.#crypto = parts.crypto;
    this.#clock = parts.clock;
    this.#store = parts.store;
    this.#events = parts.events;
    this.#notes = new PeerNotes(parts);
    this.#ownId = ownId;
  }

  /** Reads all peers from the database. A damaged row is reported and left out. */
  async load(): Promise<void> {
    const rows = this.#store.statement("SELECT * FROM peers").all();
    await Promise.all(rows.map(async (row) => {
      try {
        const record = await verifyRecord(this.#crypto, String(row.record));
        const succession = row.succession === null ? null : String(row.succession);
        if (succession !== null) successorOf(succession);
        this.#peers.set(record.id, {
          id: record.id,
          record,
          known: row.known === 1,
          next: row.next === null ? null : new Uint8Array(row.next as Uint8Array),
          succession,
          revokedAt: row.revoked_at === null ? null : Number(row.revoked_at),
        });
      } catch (error) {
        if (!(error instanceof OpenRedError)) throw error;
        const text = `The stored record of ${row.id} is damaged`;
        this.#events.warn(`peer_damaged ${row.id}`, text, { peer: String(row.id) });
      }
    }));
  }

  get(id: NodeId): Peer | null {
    return this.#peers.get(id) ?? null;
  }

  /** The id that followed last, as far as this node knows; the very id where none did. */
  lastId(id: NodeId): NodeId {
    let last = id;
    const seen = new Set<NodeId>();
    // Whoever has both keys can make two ids follow each other.
    for (let next: NodeId | null = id; next !== null && !seen.has(next);) {
      last = next;
      seen.add(last);
      const text = this.get(last)?.succession ?? null;
      next = text === null ? null : successorOf(text);
    }
    return last;
  }

  all(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  /** Has `write` called inside the very transaction that moves a contact from one id to the next. */
  alsoMoves(write: (old: NodeId, next: NodeId) => void): void {
    this.#movers.add(write);
  }

  /** Calls `listener` when a contact moved from one id to the next. */
  onSuccession(listener: (old: NodeId, next: NodeId) => void): void {
    this.#successors.add(listener);
  }

  /**
   * Verifies a record that a peer shows, whose it is for the caller to check. One that is held was verified before.
   * @throws {OpenRedError} As `verifyRecord`.
   */
  async verifyShown(peer: NodeId, text: string): Promise<VerifiedRecord> {
    const held = this.get(peer)?.record;
    return held?.text === text ? held : await verifyRecord(this.#crypto, text);
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
      this.#notes.note("clock_skew", { peer: record.id, success: false });
      return held.record;
    }
    if (held === null || compareRecords(record, held.record) > 0) return record;
    if (record.payload.seq === held.record.payload.seq && record.text !== held.record.text) {
      this.#notes.note("record_clash", { peer: held.id, success: false });
    }
    if (!held.known) checkTimes(held.record, this.#clock.nowMs());
    return held.record;
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
        next: newest.payload.next ?? null,
        succession: null,
        revokedAt: null,
      });
    }
    if (newest.text === held.record.text) {
      return this.#unsaved.has(held.id) ? await this.#change(held.id, {}) : held;
    }
    this.#noteChange(held, newest);
    return await this.#change(held.id, {
      record: newest,
      next: held.next ?? newest.payload.next ?? null,
    });
  }

  #noteChange(held: Peer, record: VerifiedRecord): void {
    if (record.payload.seq === held.record.payload.seq) {
      this.#notes.note("record_clash", { peer: held.id, success: false });
    }
    const before = held.record.payload.noise_key.toString();
    if (!held.known || before === record.payload.noise_key.toString()) return;
    if (!this.#notes.note("peer_key_changed", { peer: held.id, success: true })) return;
    this.#events.emit({ type: "warning", text: `The noise key of ${held.id} has changed` });
  }

  async setKnown(id: NodeId): Promise<void> {
    const peer = this.get(id);
    if (peer !== null && (!peer.known || this.#unsaved.has(id))) {
      await this.#change(id, { known: true });
    }
  }

  /** Whether its pairs were revoked, and nobody here has asked for it since. */
  isRevoked(id: NodeId): boolean {
    return (this.get(id)?.revokedAt ?? null) !== null;
  }

  /**
   * Notes durably that the pairs with a peer were revoked; `null`: that somebody here asks for it again.
   * @throws {OpenRedError} `overloaded` if it could not be stored; the next change of this peer stores it too.
   */
  async setRevoked(id: NodeId, revokedAt: number | null): Promise<void> {
    const peer = this.get(id);
    if (peer !== null && (peer.revokedAt !== revokedAt || this.#unsaved.has(id))) {
      await this.#change(id, { revokedAt });
    }
  }

  /** Forgets a peer who never was more than an introduction. */
  async forget(id: NodeId): Promise<void> {
    if (this.get(id)?.known === false) await this.erase(id);
  }

  /**
   * Forgets a peer, known or not; an id that another one followed stays.
   * @param also What is written in the same transaction.
   */
  async erase(id: NodeId, also: () => void = () => {}): Promise<void> {
    const peer = this.get(id);
    const isHeld = peer !== null && peer.succession !== null;
    if (!isHeld) this.#peers.delete(id);
    await this.#store.write(() => {
      if (!isHeld) this.#store.statement("DELETE FROM peers WHERE id = ?").run(id);
      also();
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
    if (first === expected.old) {
      throw new OpenRedError("succession_refused", "An id cannot follow itself");
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
    if (old === null) return;
    if (old.succession !== null && !this.#unsaved.has(oldId)) return;
    const peer = await this.take(options.record);
    const { id } = peer;
    await this.#change(id, {
      known: peer.known || old.known,
      next: next ?? peer.next,
      revokedAt: peer.revokedAt ?? old.revokedAt,
    });
    // One transaction: an old id that ended keeps nothing in the outbox that nobody would move later.
    await this.#put({ ...old, succession: options.text }, () => {
      for (const write of this.#movers) write(oldId, id);
    });
    this.#events.auditPeer("peer_succeeded", { peer: id, success: true });
    for (const listener of this.#successors) listener(oldId, id);
  }

  #change(id: NodeId, change: PeerChange): Promise<Peer> {
    const peer = this.get(id);
    if (peer === null) throw new RangeError("Cannot change a peer that is not in the book");
    return this.#put({ ...peer, ...change });
  }

  /** @param also What is written in the same transaction. */
  async #put(peer: Peer, also: () => void = () => {}): Promise<Peer> {
    this.#peers.set(peer.id, peer);
    try {
      await this.#store.write(() => {
        this.#insert(peer);
        also();
      });
      this.#unsaved.delete(peer.id);
    } catch (error) {
      this.#unsaved.add(peer.id);
      throw error;
    }
    return peer;
  }

  #insert(peer: Peer): void {
    this.#store.statement(
      `INSERT OR REPLACE INTO peers (id, record, next, known, succession, revoked_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ).run(
      peer.id,
      peer.record.text,
      peer.next,
      Number(peer.known),
      peer.succession,
      peer.revokedAt,
    );
  }
}
