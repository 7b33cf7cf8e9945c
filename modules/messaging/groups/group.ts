/**
 * One group as this node knows it: its statements, who is in it, and which of its messages are here.
 *
 * @module
 */
import type { NodeId } from "../../api.ts";
import type { GroupStage } from "../../../protocol/groups_api.ts";
import type { Chain } from "./core/chain.ts";
import { MAX_NUMBER, MAX_RUNS, MAX_SEEN } from "./core/limits.ts";
import type { Membership } from "./core/memberships.ts";
import { contains, difference, type Ranges, rangesOf, union } from "./core/ranges.ts";
import { Roster } from "./core/roster.ts";
import type { RunEntry, Summary } from "./core/vectors.ts";

/** Numbers of one run that are here, and those that are not passed on. */
interface Run {
  readonly id: NodeId;
  readonly run: string;
  held: Ranges;
  dropped: Ranges;
}

/** What an author's last message is called. */
export interface Head {
  readonly run: string;
  readonly n: number;
  readonly hash: string;
}

/** A number of a message that is here. */
export interface HeldNumber {
  readonly author: NodeId;
  readonly run: string;
  readonly n: number;
  readonly isKept: boolean;
}

/** `coming`: nothing that came of it adds this node so far. */
export type Stage = GroupStage | "coming";

/** What the tables have of a group besides its signed texts. */
export interface GroupFacts {
  readonly stage: Stage;
  /** Who has brought the invitation. */
  readonly inviter: NodeId;
  /** Whether that was somebody about whom nobody had decided. */
  readonly ofStranger: boolean;
  /** Whether this node looks for members that it does not know. */
  readonly introduces: boolean;
  readonly since: number;
  /** Up to which statement the owner of this node has declined to be added; -1 for none. */
  readonly decided: number;
}

export class Group {
  readonly chain: Chain;
  facts: GroupFacts;
  /** The owner has told two stories. */
  isSplit = false;
  #memberships: readonly Membership[];
  #roster: Roster;
  readonly #runs = new Map<string, Run>();
  /** The last message here of each other author, whose came last behind. */
  readonly #heads = new Map<NodeId, Head>();

  constructor(
    of: {
      readonly chain: Chain;
      readonly memberships: readonly Membership[];
      readonly facts: GroupFacts;
      readonly held: readonly HeldNumber[];
      readonly heads: readonly (Head & { readonly author: NodeId })[];
    },
  ) {
    this.chain = of.chain;
    this.facts = of.facts;
    this.#memberships = of.memberships;
    this.#roster = new Roster(of.chain, of.memberships);
    for (const { author, ...head } of of.heads) this.saw(author, head);
    for (const numbers of Map.groupBy(of.held, keyOf).values()) {
      const { author, run } = numbers[0]!;
      this.#runs.set(keyOf({ author, run }), {
        id: author,
        run,
        held: rangesOf(numbers.map(({ n }) => n)),
        dropped: rangesOf(numbers.filter(({ isKept }) => !isKept).map(({ n }) => n)),
      });
    }
  }

  get id(): string {
    return this.chain.group;
  }

  get name(): string {
    return this.chain.name ?? "";
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** After the chain has taken something, or with one more membership. */
  judgeAnew(added: readonly Membership[] = []): void {
    this.#roster = new Roster(this.chain, [...this.#memberships, ...added]);
    this.#memberships = this.#roster.counting();
  }

  hasMembership(hash: string): boolean {
    return this.#memberships.some((membership) => membership.hash === hash);
  }

  /** Whether this node counts as a member. */
  isIn(own: NodeId): boolean {
    return this.facts.stage === "joined" && this.#roster.isMember(own);
  }

  /** Whether this node counts, or ever counted, as a member */
  wasAccepted(own: NodeId): boolean {
    const { stage } = this.facts;
    return stage === "joined" || stage === "left" || this.#roster.hasSaidIn(own);
  }

  summary(): Summary {
    return {
      heads: this.chain.heads(),
      displaced: this.chain.displaced().map(({ hash }) => hash),
      members: this.#roster.counting().map(({ hash }) => hash),
    };
  }

  /** What this node says that it has. @param isBlocked Whose messages it neither takes nor passes on. */
  vector(isBlocked: (id: NodeId) => boolean): RunEntry[] {
    return [...this.#runs.values()].map(({ id, run, held, dropped }) =>
      isBlocked(id)
        ? { id, run, held: [], never: [[1, MAX_NUMBER]] }
        : { id, run, held: without(held, dropped), never: dropped }
    );
  }

  /** The runs of others of which something is here, with their numbers. */
  runsOfOthers(
    own: NodeId,
  ): readonly { readonly id: NodeId; readonly run: string; readonly held: Ranges }[] {
    return [...this.#runs.values()].filter(({ id, held }) => id !== own && held.length > 0);
  }

  holds({ author, run, n }: Omit<HeldNumber, "isKept">): boolean {
    return contains(this.#runs.get(keyOf({ author, run }))?.held ?? [], n);
  }

  heldOf(author: NodeId, run: string): Ranges {
    return this.#runs.get(keyOf({ author, run }))?.held ?? [];
  }

  /** Whether one more run of somebody is taken. */
  hasRoomForRun(author: NodeId, run: string): boolean {
    if (this.#runs.has(keyOf({ author, run }))) return true;
    return [...this.#runs.values()].filter(({ id }) => id === author).length < MAX_RUNS;
  }

  addHeld(number: HeldNumber): void {
    const { author, run, n, isKept } = number;
    const known = this.#runs.get(keyOf(number)) ??
      { id: author, run, held: [], dropped: [] };
    known.held = union(known.held, [[n, n]]);
    if (!isKept) known.dropped = union(known.dropped, [[n, n]]);
    this.#runs.set(keyOf(number), known);
  }

  /** A message of somebody else has come. */
  saw(author: NodeId, head: Head): void {
    const former = this.#heads.get(author);
    if (former !== undefined && former.run === head.run && former.n >= head.n) return;
    this.#heads.delete(author);
    this.#heads.set(author, head);
  }

  /** The last messages of those who wrote last: at most eight. */
  heads(): string[] {
    return [...this.#heads.values()].slice(-MAX_SEEN).map(({ hash }) => hash);
  }

  /** A message that was here counts no more. */
  removeHeld({ author, run, n }: Omit<HeldNumber, "isKept">): void {
    const known = this.#runs.get(keyOf({ author, run }));
    if (known === undefined) return;
    known.held = difference(known.held, [[n, n]]);
    known.dropped = difference(known.dropped, [[n, n]]);
  }

  /** There is a run of somebody whose messages this node does not take. */
  noteRun(author: NodeId, run: string): void {
    const key = keyOf({ author, run });
    if (!this.#runs.has(key)) this.#runs.set(key, { id: author, run, held: [], dropped: [] });
  }
}

function keyOf({ author, run }: { readonly author: NodeId; readonly run: string }): string {
  return `${author}.${run}`;
}

function without(held: Ranges, dropped: Ranges): Ranges {
  return dropped.length === 0 ? held : difference(held, dropped);
}
