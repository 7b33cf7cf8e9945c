/**
 * The chain of a group: which of its statements stand, whatever the order in which they came.
 *
 * @module
 * @see docs/PROTOCOL.md, "Groups"
 */
import type { NodeId } from "../../../../crypto/encoding.ts";
import { ChainState, type Owner, type Place } from "./chain_state.ts";
import { MAX_DISPLACED, MAX_WAITING } from "./limits.ts";
import type { Statement } from "./statements.ts";

/**
 * What became of a statement: it stands; another one stands in its place; it was there before; it waits for one before
 * it; it is not of this group, or may not stand where it says.
 */
export type StatementOutcome = "stands" | "displaced" | "known" | "waits" | "refused";

export interface StatementVerdict {
  readonly outcome: StatementOutcome;
  /** Whether statements that stood before do not any more: what was judged by them is to be judged anew. */
  readonly rewritten: boolean;
  /** Two statements that prove that the owner told two stories, once the second of them has come. */
  readonly proof: readonly [Statement, Statement] | null;
}

/** A statement of the chain, as one node tells another where it stands. */
export interface Head {
  readonly n: number;
  readonly hash: string;
}

const SUCCESSOR = 0;
const HAND_OVER = 1;
const OTHER = 2;

/** What stands above others of its number, whatever their hashes. */
function rankOf({ line, owner }: Statement): number {
  if (line !== null) return SUCCESSOR;
  return owner === null ? OTHER : HAND_OVER;
}

/** Whether a statement stands above another one that follows the same. */
export function standsAbove(one: Statement, other: Statement): boolean {
  const [rank, otherRank] = [rankOf(one), rankOf(other)];
  return rank === otherRank ? one.hash < other.hash : rank < otherRank;
}

export class Chain {
  readonly group: string;
  /** Every statement that follows from the first one, by its hash. */
  readonly #known = new Map<string, Statement>();
  /** By the hash of what they follow. */
  readonly #followers = new Map<string, Statement[]>();
  readonly #waiting = new Map<string, Statement>();
  #standing: Statement[];
  #state = new ChainState();

  private constructor(first: Statement) {
    this.group = first.group;
    this.#standing = [first];
    this.#known.set(first.hash, first);
    this.#state.push(first);
  }

  /** @returns `null` for a statement that is not a first one. */
  static begin(first: Statement): Chain | null {
    if (first.n !== 0 || !new ChainState().allows(first)) return null;
    return new Chain(first);
  }

  get head(): Statement {
    return this.#standing.at(-1)!;
  }

  get name(): string | null {
    return this.#state.name;
  }

  get owner(): Owner {
    return this.#state.owner;
  }

  /** Those that stand, from the first one on. */
  get statements(): readonly Statement[] {
    return this.#standing;
  }

  /** Those that others stand above, with what followed them. */
  displaced(): Statement[] {
    return [...this.#known.values()].filter((statement) => !this.#stands(statement));
  }

  waiting(): Statement[] {
    return [...this.#waiting.values()];
  }

  /** Whether the next statement that its owner signs could stand. */
  allows(statement: Statement): boolean {
    return statement.group === this.group && statement.prev === this.head.hash &&
      statement.n === this.head.n + 1 && this.#state.allows(statement);
  }

  /** Every place that the chain gives or gave. */
  places(): Place[] {
    return this.#state.places();
  }

  placesOf(id: NodeId): readonly Place[] {
    return this.#state.placesOf(id);
  }

  /** Whether what was written under the statement of this number may be shown to those who were added later. */
  historyAt(n: number): boolean {
    return this.#state.historyAt(n);
  }

  /**
   * The number by which what names a statement is judged: its own if it stands, otherwise that of the last one before
   * it that does. `null` for a statement that is not here.
   */
  numberOf(hash: string): number | null {
    let statement = this.#known.get(hash);
    while (statement !== undefined && !this.#stands(statement)) {
      statement = this.#known.get(statement.prev!);
    }
    return statement?.n ?? null;
  }

  has(hash: string): boolean {
    return this.#known.has(hash) || this.#waiting.has(hash);
  }

  /** Takes a statement whose signature holds, and those that waited for it. */
  take(statement: Statement): StatementVerdict {
    const verdict = this.#take(statement);
    let { rewritten, proof } = verdict;
    if (verdict.outcome === "stands" || verdict.outcome === "displaced") {
      for (const next of this.#released(statement.hash)) {
        const then = this.take(next);
        rewritten ||= then.rewritten;
        proof ??= then.proof;
      }
      this.#forget();
    }
    return { outcome: verdict.outcome, rewritten, proof };
  }

  #take(statement: Statement): StatementVerdict {
    const { group, n, prev, hash } = statement;
    const nothing = { rewritten: false, proof: null };
    if (group !== this.group) return { outcome: "refused", ...nothing };
    if (this.#known.has(hash)) return { outcome: "known", ...nothing };
    const before = prev === null ? undefined : this.#known.get(prev);
    if (before === undefined) {
      const outcome = prev === null ? "refused" : this.#wait(statement);
      return { outcome, ...nothing };
    }
    if (before.n + 1 !== n || !this.#stateAt(before).allows(statement)) {
      return { outcome: "refused", ...nothing };
    }
    const others = this.#followers.get(before.hash) ?? [];
    const rival = others.find((other) => rankOf(other) === rankOf(statement)) ?? null;
    this.#known.set(hash, statement);
    this.#followers.set(before.hash, [...others, statement]);
    return { ...this.#place(statement, before), proof: rival && [rival, statement] };
  }

  /** Gives a statement that follows `before` its place. */
  #place(
    statement: Statement,
    before: Statement,
  ): { outcome: StatementOutcome; rewritten: boolean } {
    if (!this.#stands(before)) return { outcome: "displaced", rewritten: false };
    const present = this.#standing[statement.n];
    if (present === undefined) {
      this.#standing.push(statement);
      this.#state.push(statement);
      return { outcome: "stands", rewritten: false };
    }
    if (!standsAbove(statement, present)) return { outcome: "displaced", rewritten: false };
    this.#standing = [...this.#standing.slice(0, statement.n), statement];
    this.#state = stateOf(this.#standing);
    return { outcome: "stands", rewritten: true };
  }

  /** What the chain was, or would be, right behind a statement. */
  #stateAt(statement: Statement): ChainState {
    if (statement === this.head) return this.#state;
    const line: Statement[] = [];
    for (
      let at: Statement | undefined = statement;
      at !== undefined;
      at = at.prev === null ? undefined : this.#known.get(at.prev)
    ) line.push(at);
    return stateOf(line.reverse());
  }

  #stands({ n, hash }: Head): boolean {
    return this.#standing[n]?.hash === hash;
  }

  #wait(statement: Statement): StatementOutcome {
    this.#waiting.set(statement.hash, statement);
    while (this.#waiting.size > MAX_WAITING) {
      this.#waiting.delete([...this.#waiting.values()].reduce(farther).hash);
    }
    return "waits";
  }

  #released(hash: string): Statement[] {
    const released = [...this.#waiting.values()].filter(({ prev }) => prev === hash);
    for (const { hash } of released) this.#waiting.delete(hash);
    return released;
  }

  /** Of what is displaced only so much is kept, what is nearest to the first statement. */
  #forget(): void {
    let excess = this.#known.size - this.#standing.length - MAX_DISPLACED;
    if (excess <= 0) return;
    const displaced = this.displaced();
    for (; excess > 0; excess -= 1) {
      const statement = displaced.reduce(farther);
      displaced.splice(displaced.indexOf(statement), 1);
      this.#known.delete(statement.hash);
      const followers = this.#followers.get(statement.prev!)!;
      this.#followers.set(statement.prev!, followers.filter((other) => other !== statement));
    }
  }

  /** Where this chain stands: its head, ever fewer before it, and the first statement. */
  heads(): Head[] {
    const { n } = this.head;
    const numbers = new Set([n]);
    for (let step = 1; step < n; step *= 2) numbers.add(n - step);
    numbers.add(0);
    return [...numbers].map((at) => ({ n: at, hash: this.#standing[at]!.hash }));
  }

  /** The statements that somebody lacks who stands where these heads say, and has these displaced ones. */
  lacking(heads: readonly Head[], displaced: readonly string[]): Statement[] {
    const common = heads.filter((head) => this.#stands(head)).map(({ n }) => n);
    const from = common.length === 0 ? 0 : Math.max(...common) + 1;
    const held = new Set(displaced);
    const others = this.displaced().filter(({ hash }) => !held.has(hash));
    return [...this.#standing.slice(from), ...others.sort((a, b) => a.n - b.n)];
  }
}

function stateOf(statements: readonly Statement[]): ChainState {
  const state = new ChainState();
  for (const statement of statements) state.push(statement);
  return state;
}

/** The one that goes first where too many are kept. */
function farther(one: Statement, other: Statement): Statement {
  if (one.n !== other.n) return one.n > other.n ? one : other;
  return one.hash > other.hash ? one : other;
}
