/**
 * A group in bad weather: one seed decides who does what, who meets whom, and what is lost on the way.
 *
 * @module
 */
import type { NodeId } from "../../../../../modules/api.ts";
import type { HistoryMessage } from "../../../../../protocol/messaging_api.ts";
import { createSeededCore } from "../../../../world/cores.ts";
import { SeededRandom } from "../../../../world/seeded_random.ts";
import { checkGroup } from "./checks.ts";
import { checkDirect, type DirectText, writeDirect } from "./direct.ts";
import { CALM, Links, type Weather } from "./links.ts";
import { Backups, equivocate } from "./mischief.ts";
import { SimulatedPerson } from "./people.ts";

const STORM: Weather = { lost: 0.25, twice: 0.15, unheard: 0.15 };
const STEPS = 80;
const HOUR_MS = 3_600_000;
/** What a group needs at most to come to rest once everybody meets everybody. */
const MAX_CALM_ROUNDS = 200;

/** A text that its author's node has taken. */
export interface Written {
  readonly by: NodeId;
  readonly id: string;
  readonly text: string;
}

/** What a run did. */
export interface Figures {
  readonly people: number;
  written: number;
  changes: number;
  restarts: number;
  partitions: number;
  restored: number;
  stories: number;
  direct: number;
  frames: number;
  calmRounds: number;
}

interface Run {
  readonly random: SeededRandom;
  readonly people: readonly SimulatedPerson[];
  readonly links: Links;
  readonly group: string;
  readonly written: Written[];
  /** Who has left, or was removed, at any time. */
  readonly wereOut: Set<NodeId>;
  readonly direct: DirectText[];
  readonly backups: Backups;
  readonly figures: Figures;
}

/** Fails where something that has to hold does not. */
export async function runSeed(seed: number): Promise<Figures> {
  const random = new SeededRandom(`group ${seed}`);
  const crypto = await createSeededCore(`group ${seed}`);
  const count = random.between(3, 9);
  const people: SimulatedPerson[] = [];
  try {
    for (let at = 0; at < count; at++) people.push(await SimulatedPerson.start(crypto, at));
    await befriend(people, random);
    const run = await found(people, random);
    await run.links.bring(CALM);
    await run.links.bring(CALM);
    for (const person of people) if (random.chance(0.8)) await accept(run, person);
    for (let step = 0; step < STEPS; step++) {
      await act(run);
      if (random.chance(0.15)) await divide(run);
      if (random.chance(0.6)) await run.links.bring(STORM);
      await pass(people, random.between(50, 3_000));
    }
    await comeToRest(run);
    await checkGroup({ ...run, seed });
    await checkDirect({ ...run, seed, texts: run.direct, restored: run.backups.restored });
    const { written, direct, links } = run;
    return {
      ...run.figures,
      written: written.length,
      direct: direct.length,
      frames: links.brought,
    };
  } finally {
    for (const person of people) person[Symbol.dispose]();
    await crypto.stop();
  }
}

/** Some know each other before; the others are strangers who meet in the group. */
async function befriend(people: readonly SimulatedPerson[], random: SeededRandom): Promise<void> {
  const [owner, ...others] = people as [SimulatedPerson, ...SimulatedPerson[]];
  for (const one of others) {
    await owner.accept(one.id);
    await one.accept(owner.id);
    for (const two of others) if (one !== two && random.chance(0.5)) await one.accept(two.id);
  }
}

async function found(people: readonly SimulatedPerson[], random: SeededRandom): Promise<Run> {
  const links = new Links(people, random.fork("links"));
  await links.set(() => true);
  const invited = people.slice(1).filter(() => random.chance(0.7)).map(({ id }) => id);
  const group = await people[0]!.found("Choir", invited, true);
  const figures = {
    people: people.length,
    written: 0,
    changes: 0,
    restarts: 0,
    partitions: 0,
    restored: 0,
    stories: 0,
    direct: 0,
    frames: 0,
    calmRounds: 0,
  };
  const run = { random, people, links, group, figures };
  return { ...run, written: [], wereOut: new Set(), direct: [], backups: new Backups() };
}

async function pass(people: readonly SimulatedPerson[], spanMs: number): Promise<void> {
  for (const { messaging } of people) await messaging.world.parts.clock.advance(spanMs);
}

/** Divides all into one to three parts who meet nobody else. */
async function divide({ random, links, people, figures }: Run): Promise<void> {
  const parts = random.between(1, 3);
  const sides = people.map(() => random.between(1, parts));
  figures.partitions += 1;
  await links.set((a, b) => sides[a] === sides[b] && random.chance(0.9));
}

/** What somebody does next. What their node refuses, as they are not in the group or not its owner, is nothing. */
async function act(run: Run): Promise<void> {
  const { random, people, group, figures } = run;
  const person = random.pick(people);
  switch (random.between(0, 18)) {
    case 0:
      figures.restarts += 1;
      await person.restart();
      await run.links.meetAgain(person);
      return;
    case 1:
      return person.messaging.world.parts.clock.step(random.between(-HOUR_MS, HOUR_MS));
    case 2:
    case 3:
      return await accept(run, person);
    case 4:
      if (random.chance(0.25) && await change(run, person, "/groups/leave", { group })) {
        run.wereOut.add(person.id);
      }
      return;
    case 5:
    case 6:
      return await rule(run);
    case 7:
    case 8:
      return await alter(run, person);
    case 9:
      // Whoever had not heard of the group when the backup was made hears of it anew.
      return run.backups.take(person);
    case 10:
      return await restore(run, person);
    case 11:
      return await tellStories(run, person);
    case 12:
      return await writeBeside(run);
    default:
      return await write(run, person);
  }
}

async function restore({ random, backups, links, figures }: Run, person: SimulatedPerson) {
  if (!random.chance(0.8) || !await backups.restore(person)) return;
  figures.restored += 1;
  await links.meetAgain(person);
}

async function tellStories({ random, links, group, figures }: Run, author: SimulatedPerson) {
  if (!random.chance(0.5)) return;
  figures.stories += await equivocate({ author, group, links, random });
}

async function writeBeside({ people, random, direct }: Run): Promise<void> {
  const text = await writeDirect(people, random).catch(() => null);
  if (text !== null) direct.push(text);
}

async function accept(run: Run, person: SimulatedPerson): Promise<void> {
  if ((await person.view(run.group))?.stage !== "invited") return;
  await change(run, person, "/groups/accept", { group: run.group });
}

async function change(
  { figures }: Run,
  person: SimulatedPerson,
  path: string,
  input: object,
): Promise<boolean> {
  const isDone = await person.ask("POST", path, input).then(() => true, () => false);
  if (isDone) figures.changes += 1;
  return isDone;
}

/** Whoever owns the group as they see it invites, removes, hands it over or gives it another name. */
async function rule(run: Run): Promise<void> {
  const { random, people, group } = run;
  const owners: SimulatedPerson[] = [];
  for (const person of people) {
    if ((await person.view(group))?.owner === person.id) owners.push(person);
  }
  if (owners.length === 0) return;
  const owner = random.pick(owners);
  const other = random.pick(people.filter((person) => person !== owner));
  const peers = [other.id];
  const kind = random.between(0, 5);
  if (kind <= 2) await change(run, owner, "/groups/invite", { group, peers });
  if (kind === 3 && await change(run, owner, "/groups/remove", { group, peers })) {
    run.wereOut.add(other.id);
  }
  if (kind === 4) await change(run, owner, "/groups/owner", { group, peer: other.id });
  if (kind === 5) {
    await change(run, owner, "/groups/change", { group, name: `Choir ${random.between(1, 99)}` });
  }
}

async function write(run: Run, person: SimulatedPerson): Promise<void> {
  const { random, group, written } = run;
  if (await person.view(group) === null) return;
  const text = `text ${written.length} of ${person.id.slice(-6)}`;
  const there = await visible(run, person);
  const more = there.length > 0 && random.chance(0.4) ? { reply_to: random.pick(there).id } : {};
  const id = await person.send(group, text, more).catch(() => null);
  if (id !== null) written.push({ by: person.id, id, text });
}

/** Edits, takes back or reacts. */
async function alter(run: Run, person: SimulatedPerson): Promise<void> {
  const { random, group: peer } = run;
  if (await person.view(peer) === null) return;
  const there = await visible(run, person);
  const own = there.filter(({ from }) => from === person.id);
  const kind = random.between(0, 3);
  if (kind === 0 && own.length > 0 && random.chance(0.4)) {
    await change(run, person, "/remove", { peer, id: random.pick(own).id });
  } else if (kind === 1 && own.length > 0) {
    const edits = random.pick(own).id;
    await person.send(peer, `edited ${random.between(0, 999)}`, { edits }).catch(() => null);
  } else if (there.length > 0) {
    const reaction = random.chance(0.6) ? "👍" : "";
    await change(run, person, "/react", { peer, id: random.pick(there).id, reaction });
  }
}

async function visible(run: Run, person: SimulatedPerson): Promise<readonly HistoryMessage[]> {
  const messages = await person.history(run.group).catch(() => []);
  return messages.filter(({ removed }) => !removed);
}

/** Everybody meets everybody, until nothing is under way any more. */
async function comeToRest({ links, people, figures }: Run): Promise<void> {
  await links.set(() => false);
  await links.set(() => true);
  let quiet = 0;
  while (quiet < 3) {
    figures.calmRounds += 1;
    if (figures.calmRounds > MAX_CALM_ROUNDS) throw new Error("The group does not come to rest");
    const count = await links.bring(CALM);
    quiet = count === 0 ? quiet + 1 : 0;
    await pass(people, 5_000);
  }
}
