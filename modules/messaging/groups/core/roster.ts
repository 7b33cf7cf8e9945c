/**
 * Who is in a group: the places that its chain gives, and what was said about each by whoever has it.
 *
 * @module
 * @see docs/PROTOCOL.md, "Groups"
 */
import type { NodeId } from "../../../../crypto/encoding.ts";
import type { Chain } from "./chain.ts";
import type { Place } from "./chain_state.ts";
import type { LastOfRun } from "./fields.ts";
import type { Membership } from "./memberships.ts";
import type { GroupMessage } from "./messages.ts";

/** A place with what became of it. */
export interface Member {
  readonly place: Place;
  /** The key that speaks for it now. */
  readonly id: NodeId;
  /** What it said last; `null` of somebody who was added and has not answered. */
  readonly membership: Membership | null;
  readonly state: "invited" | "member" | "left" | "removed";
}

/**
 * What becomes of a message: it is one like others; it is beyond what counts of somebody who left, was removed or
 * followed; what it is to be judged by is not here yet; its author was not in the group when it was written.
 */
export type MessageOutcome = "ordinary" | "aside" | "waits" | "refused";

export class Roster {
  readonly #chain: Chain;
  readonly #members: readonly Member[];
  /** By each key that ever spoke for it. */
  readonly #byKey = new Map<NodeId, Member[]>();

  /** @param memberships In any order, those that matter no more included. */
  constructor(chain: Chain, memberships: Iterable<Membership>) {
    this.#chain = chain;
    const byStatement = Map.groupBy(
      [...memberships].filter(({ group }) => group === chain.group),
      ({ stm }) => stm,
    );
    this.#members = chain.places().map((place) =>
      memberOf(place, byStatement.get(place.stm) ?? [])
    );
    for (const member of this.#members) {
      for (const key of keysOf(member)) {
        this.#byKey.set(key, [...this.#byKey.get(key) ?? [], member]);
      }
    }
  }

  /** All whom the chain names now, in the order in which they were added. */
  standing(): Member[] {
    return this.#members.filter(({ place }) => place.until === null)
      .sort((a, b) => a.place.from - b.place.from);
  }

  /** Who is in: added, and willing. */
  members(): Member[] {
    return this.#members.filter(({ state }) => state === "member");
  }

  /** What a key is now; `null` for one that was never added, or that another one has followed. */
  find(id: NodeId): Member | null {
    const places = this.#byKey.get(id)?.filter((member) => member.id === id) ?? [];
    return places.find(({ place }) => place.until === null) ?? places.at(-1) ?? null;
  }

  /** All keys of whoever this one speaks or spoke for. */
  keysOf(id: NodeId): readonly NodeId[] {
    return this.#byKey.get(id)?.flatMap(keysOf) ?? [id];
  }

  /** Whether somebody was in by their own word, though they may be out by now. */
  hasSaidIn(id: NodeId): boolean {
    return this.#byKey.get(id)?.some(({ membership }) => membership?.isIn === true) ?? false;
  }

  isMember(id: NodeId): boolean {
    return this.find(id)?.state === "member";
  }

  /** The memberships that count. All others can be forgotten, but for those whose place is not here yet. */
  counting(): Membership[] {
    return this.#members.flatMap(({ membership }) => membership ?? []);
  }

  /** The place under which a message was written: `null` for none, `"unknown"` where that cannot be said yet. */
  placeOf(message: Pick<GroupMessage, "iss" | "stm">): Member | null | "unknown" {
    const at = this.#chain.numberOf(message.stm);
    const places = this.#byKey.get(message.iss);
    if (at === null || places === undefined) return "unknown";
    return places.find(({ place }) => covers(place, at)) ?? null;
  }

  judge(
    message: Pick<GroupMessage, "iss" | "group" | "stm" | "run" | "n" | "hash">,
  ): MessageOutcome {
    if (message.group !== this.#chain.group) return "refused";
    const member = this.placeOf(message);
    if (member === "unknown") return "waits";
    if (member === null) return "refused";
    const { membership, place, id } = member;
    if (membership === null) return "waits";
    const isBound = !membership.isIn || message.iss !== id;
    if (isBound && isBeyond(membership.last, message)) return "aside";
    return place.last !== null && isBeyond(place.last, message) ? "aside" : "ordinary";
  }

  /** Whether somebody may be given what was written under a statement. */
  mayHave(asker: NodeId, stm: string): boolean {
    const at = this.#chain.numberOf(stm);
    if (at === null || !this.isMember(asker)) return false;
    if (this.#chain.historyAt(at)) return true;
    const places = this.#byKey.get(asker) ?? [];
    return places.some(({ place, id }) => id === asker && covers(place, at));
  }
}

/** The keys that spoke for a place, oldest first. */
export function keysOf({ place, membership }: Pick<Member, "place" | "membership">) {
  return membership?.line?.keys ?? [place.id];
}

function covers({ from, until }: Place, at: number): boolean {
  return from <= at && (until === null || at < until);
}

function isBeyond(
  last: readonly LastOfRun[],
  { run, n, hash }: { readonly run: string; readonly n: number; readonly hash: string },
): boolean {
  const end = last.find((entry) => entry.run === run);
  return end === undefined || n > end.n || (n === end.n && hash !== end.hash);
}

function memberOf(place: Place, memberships: readonly Membership[]): Member {
  const said = memberships.filter((membership) => isOf(membership, place));
  const membership = said.length === 0 ? null : said.reduce((a, b) => countsBefore(a, b) ? a : b);
  const id = membership?.iss ?? place.id;
  if (place.until !== null) return { place, id, membership, state: "removed" };
  if (membership === null) return { place, id, membership, state: "invited" };
  return { place, id, membership, state: membership.isIn ? "member" : "left" };
}

/** Whether a membership is of whoever was added, or of one that followed as it was pinned. */
function isOf({ iss, line }: Membership, { id, next }: Place): boolean {
  return line === null ? iss === id : line.keys[0] === id && line.pin === next;
}

/** The newest key of a line counts, who leaves for good before who is in, then the smaller hash. */
function countsBefore(one: Membership, other: Membership): boolean {
  const [depth, otherDepth] = [one, other].map(({ line }) => line?.keys.length ?? 1);
  if (depth !== otherDepth) return depth! > otherDepth!;
  if (one.iss !== other.iss) return one.iss < other.iss;
  if (one.isIn !== other.isIn) return !one.isIn;
  return one.hash < other.hash;
}
