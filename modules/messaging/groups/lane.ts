/**
 * What is under way of one group to one of its people, and what they are known to have.
 *
 * @module
 */
import { RunAgain } from "../../../protocol/run_again.ts";
import type { NodeId, Sending } from "../../api.ts";
import { contains, difference, type Ranges, union } from "./core/ranges.ts";
import { lacking, type RunEntry } from "./core/vectors.ts";
import type { MessageNumber } from "./group_vectors.ts";

/** Frames of one group under way to one peer. */
export const WINDOW = 64;
/** How often one peer is told of one group what is here. */
const SAY_EVERY_MS = 1_000;

/** So many refusals in one session say that nothing of the group is wanted. */
export const MAX_REFUSED = 16;

/** Something signed that a peer lacks. */
export interface Signed {
  readonly type: "group_statement" | "group_member";
  readonly hash: string;
  readonly text: string;
  /** The place of a statement: nothing goes beside the first one, on which all else builds. */
  readonly n?: number;
}

/** Numbers of one run. */
export interface RunNumbers {
  readonly id: NodeId;
  readonly run: string;
  readonly numbers: Ranges;
}

/** A message, by its number and its name. */
export interface NumberedHash extends MessageNumber {
  readonly hash: string;
}

export type Said = "group_summary" | "group_vector";

export class Lane {
  readonly group: string;
  readonly peer: NodeId;
  readonly underWay = new Map<string, Sending>();
  /** Which of them are messages: nothing but members take these. */
  readonly messages = new Map<string, NumberedHash>();
  /** By hash, in the order in which they go. */
  readonly signed = new Map<string, Signed>();
  /** What was signed and is there by its own acknowledgement. */
  readonly given = new Set<string>();
  /** What was signed and is named in a summary that came: who is out takes that and does not answer what is lacking. */
  readonly told = new Set<string>();
  /** Hashes of messages whose number others have as well: no vector tells of them. */
  readonly rivals = new Set<string>();
  /** Frames of either kind that say what is here: only the newest of each goes. */
  readonly saying = new Map<Said, Sending>();
  readonly saidMs = new Map<Said, number>();
  readonly delayed = new Map<Said, () => void>();
  /** What was refused in this session: it goes again in the next one. */
  readonly #refused = new Set<string>();
  /** What this node may say of the group was shown in this session. */
  hasProven = false;
  /** Sends what there is room for. */
  readonly filling: RunAgain;
  /** What they have, or will never have. */
  readonly #theirs = new Map<string, RunEntry>();
  /** The numbers of messages that are under way. */
  readonly #going = new Map<string, Ranges>();
  /** What they asked for by their last vector. */
  #owed: readonly RunNumbers[] = [];

  constructor(group: string, peer: NodeId, fill: (lane: Lane) => Promise<void>) {
    this.group = group;
    this.peer = peer;
    this.filling = new RunAgain(() => fill(this));
  }

  /** When something may be said, from now on: 0 for at once. */
  delayOf(what: Said, nowMs: number): number {
    return Math.max(0, (this.saidMs.get(what) ?? -Infinity) + SAY_EVERY_MS - nowMs);
  }

  /** Their own word of what they have; what they do not take is taken back. @param own What is here. */
  take(
    theirs: readonly RunEntry[],
    own: readonly RunEntry[],
    hashesUnder: NonNullable<Parameters<typeof lacking>[2]>,
  ): void {
    this.#theirs.clear();
    for (const entry of theirs) this.#theirs.set(keyOf(entry.id, entry.run), entry);
    this.#owed = lacking(own, theirs, hashesUnder);
    this.withdrawMessages(({ id, run, n }) =>
      contains(this.#theirs.get(keyOf(id, run))?.never ?? [], n)
    );
  }

  /** They have a message: they acknowledged it, or brought it. */
  add(id: NodeId, run: string, n: number): void {
    const key = keyOf(id, run);
    const entry = this.#theirs.get(key) ?? { id, run, held: [], never: [] };
    this.#theirs.set(key, { ...entry, held: union(entry.held, [[n, n]]) });
  }

  addAll(entries: readonly RunEntry[]): void {
    for (const entry of entries) this.#theirs.set(keyOf(entry.id, entry.run), entry);
  }

  /** What they have of somebody under any of these keys, by run. */
  heldOf(keys: readonly NodeId[]): Map<string, Ranges> {
    const entries = [...this.#theirs.values()].filter(({ id }) => keys.includes(id));
    return new Map(
      [...Map.groupBy(entries, ({ run }) => run)]
        .map(([run, all]) => [run, all.reduce((held, one) => union(held, one.held), [] as Ranges)]),
    );
  }

  has(id: NodeId, run: string, n: number): boolean {
    return contains(this.#theirs.get(keyOf(id, run))?.held ?? [], n);
  }

  /** What they lack, as far as is known. */
  lacks(own: readonly RunEntry[]): RunNumbers[] {
    return lacking(own, [...this.#theirs.values()]);
  }

  /** What goes next: of this node's own messages what they lack, of others' what they asked for. */
  next(own: readonly RunEntry[], self: NodeId): RunNumbers[] {
    const mine = own.filter(({ id }) => id === self);
    return [...this.lacks(mine), ...this.#owed.filter(({ id }) => id !== self)]
      .map(({ id, run, numbers }) => {
        const going = this.#going.get(keyOf(id, run)) ?? [];
        return { id, run, numbers: difference(numbers, going) };
      });
  }

  /** A message is under way from now on, or is not any more. */
  noteGoing({ id, run, n }: { id: NodeId; run: string; n: number }, isGoing: boolean): void {
    const key = keyOf(id, run);
    const change = isGoing ? union : difference;
    const going = change(this.#going.get(key) ?? [], [[n, n]]);
    if (going.length > 0) this.#going.set(key, going);
    else this.#going.delete(key);
  }

  /** Numbers that need not be looked at again. */
  settle({ id, run, numbers }: RunNumbers): void {
    this.#owed = this.#owed.map((owed) =>
      owed.id === id && owed.run === run
        ? { ...owed, numbers: difference(owed.numbers, numbers) }
        : owed
    ).filter((owed) => owed.numbers.length > 0);
  }

  isRefused(id: string): boolean {
    return this.#refused.has(id);
  }

  /** Whether so much was refused that nothing more goes in this session. */
  get isRefusing(): boolean {
    return this.#refused.size >= MAX_REFUSED;
  }

  refuse(id: string): void {
    this.#refused.add(id);
  }

  /** A new session: what was refused, and asked for, in the last one counts no more. */
  begin(): void {
    this.forgive();
    this.#owed = [];
  }

  /** They have spoken of the group: what was refused before may be taken now. */
  forgive(): void {
    this.#refused.clear();
  }

  /** Takes back some of the messages that are under way. */
  withdrawMessages(isOne: (message: NumberedHash) => boolean): void {
    for (const [id, message] of this.messages) if (isOne(message)) this.underWay.get(id)?.cancel();
  }

  /** Takes back what only a member takes. */
  withdraw(): void {
    for (const id of this.messages.keys()) this.underWay.get(id)?.cancel();
    this.saying.get("group_vector")?.cancel();
  }

  end(): void {
    for (const cancel of this.delayed.values()) cancel();
    this.delayed.clear();
    for (const sending of [...this.underWay.values(), ...this.saying.values()]) sending.cancel();
  }
}

function keyOf(id: NodeId, run: string): string {
  return `${id}.${run}`;
}
