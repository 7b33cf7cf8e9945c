/**
 * What has to hold of a group once everybody has met everybody.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { GroupView } from "../../../../../protocol/groups_api.ts";
import type { HistoryMessage } from "../../../../../protocol/messaging_api.ts";
import type { SimulatedPerson } from "./people.ts";
import type { Written } from "./run.ts";

interface Ended {
  readonly seed: number;
  readonly people: readonly SimulatedPerson[];
  readonly group: string;
  readonly written: readonly Written[];
  /** Who has left, or was removed, at any time. */
  readonly wereOut: ReadonlySet<string>;
}

interface Standing {
  readonly person: SimulatedPerson;
  readonly view: GroupView;
  readonly history: readonly HistoryMessage[];
}

/** @throws {AssertionError} For what does not hold. */
export async function checkGroup(
  { seed, people, group, written, wereOut }: Ended,
): Promise<void> {
  const standing: Standing[] = [];
  for (const person of people) {
    const view = await person.view(group);
    if (view?.stage !== "joined") continue;
    standing.push({ person, view, history: await person.history(group) });
  }
  const told = (message: HistoryMessage) => toldOf(message, wereOut);
  const [first, ...others] = standing;
  if (first === undefined) return;
  for (const { view, history } of others) {
    assertEquals([seed, membershipOf(view)], [seed, membershipOf(first.view)]);
    assertEquals([seed, history.map(told)], [seed, first.history.map(told)]);
  }
  const members = first.view.members.filter(({ state }) => state === "member")
    .map(({ id }) => id).sort();
  assertEquals([seed, standing.map(({ person }) => person.id as string).sort()], [seed, members]);
  for (const { history } of standing) {
    checkOrder(history, seed);
    const ids = history.map(({ id }) => id);
    assertEquals([seed, new Set(ids).size], [seed, ids.length]);
  }
  checkNothingLost({ seed, standing, written });
  checkStates({ seed, standing });
}

function membershipOf({ name, owner, members, history }: GroupView) {
  const states = members.map(({ id, state }) => `${id} ${state}`).sort();
  return { name, owner, states, history };
}

/**
 * What all see alike. What somebody took back whose word counts no more, as they were out by then, has gone where that
 * word came first.
 */
function toldOf(message: HistoryMessage, wereOut: ReadonlySet<string>) {
  const { id, from, text, edited, removed, reply_to, reactions } = message;
  // A question that is not here is told of by some, and not by others whom it never reached.
  const asked = reply_to ?? null;
  if (wereOut.has(from)) return { id, from, asked };
  return { id, from, text, edited, removed, asked, reactions };
}

/** No answer stands above its question, and nobody's numbers are out of their order; two stories have one number. */
export function checkOrder(history: readonly HistoryMessage[], seed: number): void {
  const places = new Map(history.map(({ id }, place) => [id, place]));
  const last = new Map<string, number>();
  for (const [place, message] of history.entries()) {
    const { from, run, n, reply_to: asked, two_stories: isTwice = false } = message;
    if (asked != null) assert(places.get(asked)! < place, `seed ${seed}: an answer stands above`);
    const chain = `${from} ${run}`;
    const least = (last.get(chain) ?? 0) + Number(!isTwice);
    assert(n! >= least, `seed ${seed}: a number is out of its order`);
    last.set(chain, n!);
  }
}

/** What a node took of its owner is with everybody, if its author is in the group still and was never out of it. */
function checkNothingLost(
  { seed, standing, written }: Pick<Ended, "seed" | "written"> & {
    readonly standing: readonly Standing[];
  },
): void {
  for (const { person, history } of standing) {
    const own = written.filter(({ by }) => by === person.id);
    const there = new Set(history.map(({ id }) => id));
    for (const { id, text } of own) {
      for (const other of standing) {
        const isThere = other.history.some((message) => message.id === id);
        assertEquals([seed, text, isThere], [seed, text, there.has(id)]);
      }
    }
  }
}

/** What is said to be with somebody is with them. */
function checkStates({ seed, standing }: { seed: number; standing: readonly Standing[] }): void {
  for (const { person, history } of standing) {
    for (const { id, from, state } of history) {
      if (from !== person.id) continue;
      for (const other of standing) {
        const said = state[other.person.id];
        if (said !== "delivered" && said !== "read") continue;
        const isThere = other.history.some((message) => message.id === id);
        assertEquals([seed, id, isThere], [seed, id, true]);
      }
    }
  }
}
