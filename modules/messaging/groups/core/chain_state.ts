/**
 * What a line of statements makes of a group: whom it names, from which statement to which, and who owns it.
 *
 * @module
 */
import type { NodeId } from "../../../../crypto/encoding.ts";
import type { LastOfRun } from "./fields.ts";
import { MAX_ADDITIONS, MAX_MEMBERS } from "./limits.ts";
import type { Statement } from "./statements.ts";

/** What one addition gives: from that statement on until the one that removes it. */
export interface Place {
  readonly id: NodeId;
  /** SHA-256 of the key that may follow. */
  readonly next: string | null;
  /** The statement that added it: what a membership names. */
  readonly stm: string;
  readonly from: number;
  /** The statement that removed it; `null` while it stands. */
  readonly until: number | null;
  /** What counts of somebody who was removed; `null` while it stands. */
  readonly last: readonly LastOfRun[] | null;
}

export interface Owner {
  /** The addition that it was given to. */
  readonly place: NodeId;
  /** The key that signs now. */
  readonly id: NodeId;
  readonly next: string | null;
}

/** Grows with each statement. */
export class ChainState {
  readonly #places = new Map<NodeId, Place[]>();
  readonly #histories: { readonly from: number; readonly open: boolean }[] = [];
  #owner: Owner | null = null;
  #standing = 0;
  #additions = 0;
  name: string | null = null;

  get owner(): Owner {
    if (this.#owner === null) throw new TypeError("A group without a statement has no owner");
    return this.#owner;
  }

  /** All places that an id was ever given, in their order. */
  placesOf(id: NodeId): readonly Place[] {
    return this.#places.get(id) ?? [];
  }

  /** The place that an id has now. */
  standing(id: NodeId): Place | null {
    const place = this.#places.get(id)?.at(-1);
    return place !== undefined && place.until === null ? place : null;
  }

  /** All places there ever were. */
  places(): Place[] {
    return [...this.#places.values()].flat();
  }

  /** Whether what was written under a statement may be shown to those who were added later. */
  historyAt(n: number): boolean {
    return this.#histories.findLast(({ from }) => from <= n)?.open ?? false;
  }

  /** Whether a statement may come next. */
  allows(statement: Statement): boolean {
    const { n, iss, line, add, remove, owner } = statement;
    if (n > 0 && !this.#maySign(iss, line)) return false;
    const removed = new Set(remove.map(({ id }) => id));
    if (remove.some(({ id }) => this.standing(id) === null)) return false;
    if (add.some(({ id }) => this.standing(id) !== null || removed.has(id))) return false;
    if (this.#additions + add.length > MAX_ADDITIONS) return false;
    if (this.#standing + add.length - remove.length > MAX_MEMBERS) return false;
    if (n === 0) return true;
    if (owner === null) return !removed.has(this.owner.place);
    const stays = this.standing(owner) !== null && !removed.has(owner);
    return owner !== this.owner.place && (stays || add.some(({ id }) => id === owner));
  }

  /** Takes the next statement, which is allowed. */
  push(statement: Statement): void {
    const { n, iss, hash, line, add, remove, owner, history, name } = statement;
    for (const { id, last } of remove) {
      const places = this.#places.get(id)!;
      places.push({ ...places.pop()!, until: n, last });
    }
    for (const { id, next } of add) {
      const place = { id, next, stm: hash, from: n, until: null, last: null };
      this.#places.set(id, [...this.placesOf(id), place]);
    }
    this.#standing += add.length - remove.length;
    this.#additions += add.length;
    if (line !== null) this.#owner = { ...this.owner, id: iss, next: line.next };
    if (n === 0) this.#handOver(iss);
    if (owner !== null) this.#handOver(owner);
    if (history !== null) this.#histories.push({ from: n, open: history });
    if (name !== null) this.name = name;
  }

  #handOver(id: NodeId): void {
    this.#owner = { place: id, id, next: this.standing(id)!.next };
  }

  /** The owner's key, or one that follows from it as it was pinned. */
  #maySign(iss: NodeId, line: Statement["line"]): boolean {
    const { id, next } = this.owner;
    if (line === null) return iss === id;
    return line.keys[0] === id && next !== null && line.pin === next;
  }
}
