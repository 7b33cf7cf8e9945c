/**
 * Who has read what in a group: said up to where nothing is missing, until its author has heard it.
 */
import { assertEquals } from "@std/assert";
import { bringMessage, forgeMessage, hashOf, RUN } from "./forging.ts";
import { GroupWorld, type Person } from "./group_world.ts";

const DAY_MS = 24 * 3_600_000;

function read(by: Person, group: string): Promise<unknown> {
  return by.ask("POST", "/read", { peer: group });
}

async function stateOf(author: Person, group: string, reader: Person): Promise<string[]> {
  const own = (await author.history(group)).filter(({ from }) => from === author.id);
  return own.map(({ state }) => state[reader.id]!);
}

/** What is said of having read: its frames that lie there, taken away. */
function takeSaid(by: Person) {
  const { sender } = by.messaging.world;
  return sender.sent.splice(0).filter(({ header }) => header.type === "messaging.group_read");
}

/** Up to where it says so. */
function said(by: Person): unknown[] {
  return takeSaid(by).map(({ header }) => header.upto);
}

Deno.test("what was read in a group is told once its author is there, also after a restart, and once", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await a.send(group, "hello");
  await world.deliver();
  await world.away(a);
  await read(b, group);
  await world.deliver();
  assertEquals(said(b), [], "nobody is looked for to hear of it");
  await b.restart();
  await world.connectAll([b]);
  await world.back(a);
  await world.deliver();
  assertEquals([await stateOf(a, group, b), await stateOf(a, group, c)], [["read"], ["delivered"]]);
  await b.restart();
  await world.connectAll();
  assertEquals(said(b), [], "it was heard");
});

Deno.test("a message of a group that comes after the receipt is not read for that", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  const [one, two, three] = await forgeThree(a, group);
  assertEquals(await bringMessage(a, b, group, one), true);
  assertEquals(await bringMessage(a, b, group, three), true);
  await read(b, group);
  assertEquals(said(b), [{ run: RUN, n: 1 }]);
  assertEquals(await bringMessage(a, b, group, two), true);
  await world.connectAll();
  assertEquals(said(b), [], "the second one is unread");
  await read(b, group);
  assertEquals(said(b), [{ run: RUN, n: 3 }]);
});

async function forgeThree(author: Person, group: string) {
  const one = await forgeMessage(author, group, { text: "one" });
  const two = await forgeMessage(author, group, {
    n: 2,
    prev: await hashOf(author, one.message),
    text: "two",
  });
  const prev = await hashOf(author, two.message);
  return [one, two, await forgeMessage(author, group, { n: 3, prev, text: "three" })] as const;
}

Deno.test("a message of a group that is missing for a day holds no receipt up", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  const [one, , three] = await forgeThree(a, group);
  for (const message of [one, three]) await bringMessage(a, b, group, message);
  b.messaging.world.parts.clock.skip(DAY_MS);
  await read(b, group);
  assertEquals(said(b), [{ run: RUN, n: 3 }]);
});

Deno.test("of each run of an author is told what was read, one after the other", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  const runs = ["AAAAAAAAAAA", "AAAAAAAAAAE"];
  for (const run of runs) {
    assertEquals(await bringMessage(a, b, group, await forgeMessage(a, group, { run })), true);
  }
  await read(b, group);
  const told: unknown[] = [];
  for (let round = 0; round < 3; round++) {
    for (const { id, header } of takeSaid(b)) {
      told.push(header.upto);
      await b.messaging.acknowledge(id);
    }
  }
  assertEquals(told, runs.map((run) => ({ run, n: 1 })));
});

Deno.test("nothing read in a group is told where that is switched off, also what was under way", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  await a.send(group, "hello");
  await world.deliver();
  await read(b, group);
  await b.ask("POST", "/receipts", { peer: group, tell: false });
  await world.deliver();
  await b.restart();
  await world.connectAll();
  await world.deliver();
  assertEquals(await stateOf(a, group, b), ["delivered"]);
  await b.ask("POST", "/receipts", { peer: group, tell: true });
  await world.connectAll();
  assertEquals(said(b), [], "what was read meanwhile");
  await a.send(group, "again");
  await world.deliver();
  await read(b, group);
  await world.deliver();
  assertEquals(await stateOf(a, group, b), ["read", "read"]);
});

Deno.test("whoever came in later tells at once what they read of what came since", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group([a, b]);
  await a.send(group, "long ago");
  await world.deliver();
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await world.deliver();
  await a.send(group, "welcome");
  await world.deliver();
  await read(c, group);
  await world.deliver();
  assertEquals((await a.history(group)).at(-1)!.state[c.id], "read");
});
