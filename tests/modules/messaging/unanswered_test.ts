/**
 * Peers who refuse what comes, and peers who never answer: neither costs more than its share.
 */
import { assert, assertEquals } from "@std/assert";
import { settle } from "../../world/settle.ts";
import { GroupWorld, type Person } from "./groups/group_world.ts";

/** Less than after which what was refused is tried again. */
const SOON_MS = 4 * 60_000;
/** Of one peer: texts, what was read, and of one group messages, summary, vector and what was read. */
const MAX_UNDER_WAY = 1_024 + 1 + 64 + 3;

/** Two who have a group, and from one of them a text to the other and one to the group. */
async function start(): Promise<{ world: GroupWorld; a: Person; b: Person; group: string }> {
  const world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  await b.ask("POST", "/messages", { peer: a.id, text: "from b", wait_ms: 0 });
  await b.send(group, "from b");
  await world.deliver();
  return { world, a, b, group };
}

/** Has somebody say all that a node says to a peer, direct and in a group. */
async function sayEverything(from: Person, to: Person, group: string): Promise<void> {
  const direct = { peer: to.id, wait_ms: 0 };
  const { id } = await from.ask<{ id: string }>("POST", "/messages", { ...direct, text: "hi" });
  await from.ask("POST", "/messages", { ...direct, text: "hello", edits: id });
  await from.ask("POST", "/react", { peer: to.id, id, reaction: "👍" });
  await from.ask("POST", "/remove", { peer: to.id, id });
  await from.ask("POST", "/read", { peer: to.id });
  const own = await from.send(group, "hi");
  await from.send(group, "hello", { edits: own });
  await from.react(group, own, "👍");
  await from.remove(group, own);
  await from.ask("POST", "/read", { peer: group });
  await from.ask("POST", "/groups/change", { group, name: "others" });
}

/** A frame by its type and id. */
type Said = readonly [string, string];

/** Refuses all that somebody sends, until nothing comes. @returns What that was, in its order. */
async function refuseAll({ messaging }: Person): Promise<Said[]> {
  const { sender, parts } = messaging.world;
  const said: Said[] = [];
  for (let quiet = 0; quiet < 3;) {
    await settle();
    const frames = sender.sent.splice(0).filter(({ id }) => sender.isUnderWay(id));
    for (const frame of frames) {
      said.push([String(frame.header.type).slice("messaging.".length), frame.id]);
      frame.refused?.();
      sender.cancel(frame.id);
    }
    quiet = frames.length === 0 ? quiet + 1 : 0;
    await parts.clock.advance(2_000);
  }
  return said;
}

/** How often the frames of each type were said that were said most often. */
function timesOf(said: readonly Said[]): Record<string, number> {
  const types = Object.entries(Object.groupBy(said, ([type]) => type)).sort();
  return Object.fromEntries(types.map(([type, ofType]) => {
    const frames = Object.values(Object.groupBy(ofType!, ([, id]) => id));
    return [type, Math.max(...frames.map((times) => times!.length))];
  }));
}

Deno.test("what is refused is said once in a session, whatever its type", async () => {
  const { world, a, b, group } = await start();
  using _ = world;
  await sayEverything(a, b, group);
  // What was signed of the group goes once more: it shows who is in it.
  assertEquals(timesOf(await refuseAll(a)), {
    group_message: 1,
    group_read: 1,
    group_statement: 2,
    group_summary: 1,
    group_vector: 1,
    read: 1,
    remove: 1,
  });
  await a.messaging.world.parts.clock.advance(SOON_MS);
  assertEquals(await refuseAll(a), []);
  // It waits: with the next session it goes again.
  await world.connectAll();
  const again = Object.keys(timesOf(await refuseAll(a)));
  for (const type of ["remove", "read", "group_statement", "group_summary", "group_read"]) {
    assert(again.includes(type), `${type} in ${again}`);
  }
  await world.connectAll();
  await world.deliver();
  assertEquals((await b.history(group)).length, 2);
});

Deno.test("a peer that acknowledges nothing has little under way, whatever is said to it", async () => {
  const { world, a, b, group } = await start();
  using _ = world;
  const { sender } = a.messaging.world;
  const direct = { peer: b.id, wait_ms: 0 };
  await Promise.all(
    Array.from(
      { length: 1_500 },
      (_, index) => a.ask("POST", "/messages", { ...direct, text: `text ${index}` }),
    ),
  );
  for (let index = 0; index < 200; index++) {
    await a.send(group, `text ${index}`);
    await a.ask("POST", "/read", { peer: b.id });
    await a.ask("POST", "/read", { peer: group });
    a.messaging.hosted.host.confirmed(b.id);
  }
  await world.pause();
  assert(sender.waiting(b.id) <= MAX_UNDER_WAY, `${sender.waiting(b.id)} under way`);
  assertEquals(a.messaging.waiting(b.id), 1_500);
});
