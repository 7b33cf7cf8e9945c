/**
 * What people write to each other beside the group: it ends alike on both sides.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { SeededRandom } from "../../../../world/seeded_random.ts";
import { checkOrder } from "./checks.ts";
import type { SimulatedPerson } from "./people.ts";

/** A text to one person that its author's node has taken. */
export interface DirectText {
  readonly by: SimulatedPerson;
  readonly to: SimulatedPerson;
  readonly id: string;
}

/** The first one and another write to each other: they know one another. */
export async function writeDirect(
  people: readonly SimulatedPerson[],
  random: SeededRandom,
): Promise<DirectText | null> {
  const [owner, ...others] = people as [SimulatedPerson, ...SimulatedPerson[]];
  const other = random.pick(others);
  const [by, to] = random.chance(0.5) ? [owner, other] : [other, owner];
  const there = (await by.history(to.id)).filter(({ removed }) => !removed);
  const reply = there.length > 0 && random.chance(0.4) ? { reply_to: random.pick(there).id } : {};
  const own = there.filter(({ from }) => from === by.id);
  if (own.length > 0 && random.chance(0.2)) {
    await by.send(to.id, `edited ${random.between(0, 999)}`, { edits: random.pick(own).id });
    return null;
  }
  const id = await by.send(to.id, `direct ${random.between(0, 999)}`, reply);
  return { by, to, id };
}

/**
 * Of two of whom none was set back, both have all that either wrote, in one order and once.
 * @throws {AssertionError} For what does not hold.
 */
export async function checkDirect(
  { seed, people, texts, restored }: {
    readonly seed: number;
    readonly people: readonly SimulatedPerson[];
    readonly texts: readonly DirectText[];
    readonly restored: ReadonlySet<string>;
  },
): Promise<void> {
  const [owner, ...others] = people as [SimulatedPerson, ...SimulatedPerson[]];
  if (restored.has(owner.id)) return;
  for (const other of others) {
    if (restored.has(other.id)) continue;
    const [here, there] = [await owner.history(other.id), await other.history(owner.id)];
    const told = (messages: typeof here) =>
      messages.map((
        { id, from, text, edited, reply_to: asked },
      ) => [id, from, text, edited, asked]);
    assertEquals([seed, told(here)], [seed, told(there)]);
    checkOrder(here, seed);
    const ids = new Set(here.map(({ id }) => id));
    assertEquals([seed, ids.size], [seed, here.length]);
    for (const { by, to, id } of texts) {
      if (by !== other && to !== other) continue;
      assert(ids.has(id), `seed ${seed}: a direct text is lost`);
    }
  }
}
