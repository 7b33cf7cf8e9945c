import { assertEquals } from "@std/assert";
import { createSeededCore } from "../../../../world/cores.ts";
import { SeededRandom } from "../../../../world/seeded_random.ts";
import { CALM, Links } from "./links.ts";
import { SimulatedPerson } from "./people.ts";

/** People who are strangers to each other, but for the first whom all know. */
async function gather(count: number) {
  const crypto = await createSeededCore("bridge");
  const people: SimulatedPerson[] = [];
  for (let at = 0; at < count; at++) people.push(await SimulatedPerson.start(crypto, at));
  const [owner, ...others] = people as [SimulatedPerson, ...SimulatedPerson[]];
  for (const other of others) {
    await owner.accept(other.id);
    await other.accept(owner.id);
  }
  const links = new Links(people, new SeededRandom("bridge"));
  return {
    people,
    /** Lets some meet, one after the other, until they have nothing to tell each other. */
    meet: async (...pairs: readonly (readonly [number, number])[]) => {
      for (const [one, other] of pairs) {
        await links.set((a, b) => a === one && b === other);
        for (let quiet = 0; quiet < 3;) {
          quiet = await links.bring(CALM) === 0 ? quiet + 1 : 0;
          for (const { messaging } of people) await messaging.world.parts.clock.advance(3_000);
        }
      }
    },
    [Symbol.dispose]() {
      for (const person of people) person[Symbol.dispose]();
    },
  };
}

Deno.test("two members who are never there together exchange everything through a third", async () => {
  using gathered = await gather(3);
  const { people, meet } = gathered;
  const [owner, one, other] = people as [SimulatedPerson, SimulatedPerson, SimulatedPerson];
  const group = await owner.found("Choir", [one.id, other.id], false);
  await meet([0, 1], [0, 2]);
  for (const person of [one, other]) await person.ask("POST", "/groups/accept", { group });
  await meet([0, 1], [0, 2], [0, 1]);
  const question = await one.send(group, "When do we sing?");
  await other.send(group, "I have the scores");
  await meet([0, 1], [0, 2]);
  await other.send(group, "On Friday", { reply_to: question });
  await meet([0, 2], [0, 1], [0, 2]);
  const [ofOwner, ofOne, ofOther] = await Promise.all(
    people.map((person) => person.history(group)),
  );
  const told = (messages: typeof ofOwner) => messages!.map(({ id, text }) => [id, text]);
  assertEquals([told(ofOne), told(ofOther)], [told(ofOwner), told(ofOwner)]);
  assertEquals(ofOwner!.length, 3);
  const asked = ofOne!.find(({ id }) => id === question)!;
  assertEquals(asked.state, { [owner.id]: "delivered", [other.id]: "delivered" });
});

Deno.test("somebody of whom a member has not heard shows it, without the owner", async () => {
  using gathered = await gather(3);
  const { people, meet } = gathered;
  const [owner, one, other] = people as [SimulatedPerson, SimulatedPerson, SimulatedPerson];
  const group = await owner.found("Choir", [one.id], false);
  await meet([0, 1]);
  await one.ask("POST", "/groups/accept", { group });
  await meet([0, 1]);
  await owner.ask("POST", "/groups/invite", { group, peers: [other.id] });
  await meet([0, 2]);
  await other.ask("POST", "/groups/accept", { group });
  await other.send(group, "I am here");
  await meet([1, 2]);
  assertEquals((await one.history(group)).map(({ text }) => text), ["I am here"]);
});
