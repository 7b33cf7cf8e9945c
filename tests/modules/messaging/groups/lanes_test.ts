import { assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../../crypto/encoding.ts";
import {
  bring,
  bringMessage,
  type Forged,
  forgeMembership,
  forgeMessage,
  forgeStatement,
  hashOf,
  RUN,
} from "./forging.ts";
import { GroupWorld, type Person } from "./group_world.ts";

/** Messages of one run, each behind the one before it. */
async function forgeRun(
  author: Person,
  group: string,
  members: readonly Record<string, unknown>[],
): Promise<Forged[]> {
  const run: Forged[] = [];
  let prev: string | undefined;
  for (const [index, member] of members.entries()) {
    const named = prev === undefined ? {} : { prev };
    run.push(await forgeMessage(author, group, { n: index + 1, ...named, ...member }));
    prev = await hashOf(author, run.at(-1)!.message);
  }
  return run;
}

/** Statements that an owner signed after the same one, the one that stands first. */
async function forgeStories(owner: Person, group: string, count: number) {
  const stories = await Promise.all(Array.from({ length: count }, async (_, index) => {
    const text = await forgeStatement(owner, { group, n: 1, prev: group, name: `story ${index}` });
    return { text, hash: await hashOf(owner, text) };
  }));
  return stories.sort((a, b) => a.hash < b.hash ? -1 : 1);
}

/** A statement that stands above the one of this hash, after the first one. */
async function storyAbove(owner: Person, group: string, hash: string): Promise<string> {
  for (let index = 0;; index++) {
    const text = await forgeStatement(owner, { group, n: 1, prev: group, name: `story ${index}` });
    if (await hashOf(owner, text) < hash) return text;
  }
}

/** How many rows there are of what grows with what comes. */
function rowsOf({ messaging }: Person) {
  const { database } = messaging.world.parts;
  const count = (table: string) =>
    Number(database.prepare(`SELECT COUNT(*) AS count FROM messaging_group_${table}`).get()!.count);
  return {
    messages: count("messages"),
    chains: count("chains"),
    awaited: count("awaited"),
    statements: count("statements"),
  };
}

function statementFrame(group: string, text: string) {
  return { type: "group_statement", header: { group }, body: encodeUtf8(text) };
}

function runOf(index: number): string {
  return encodeBase64Url(new Uint8Array(8).fill(index));
}

/** One of two members writes to the other, and nothing that is between them holds that up. */
async function writesTo(world: GroupWorld, group: string, from: Person, to: Person): Promise<void> {
  const text = `from ${from.name}`;
  const id = await from.send(group, text);
  await world.deliver();
  assertEquals((await to.texts(group)).filter((other) => other === text), [text]);
  assertEquals((await from.states(group, id, world.people))[to.name], "delivered");
}

for (const depth of [1, 64]) {
  Deno.test(`more stories of an owner than anybody keeps, ${depth} deep, hold up nothing between two members`, async () => {
    using world = await GroupWorld.start(3);
    const [a, b, c] = world.people;
    const group = await world.group();
    await world.away(a, b, c);
    const [first, ...others] = await forgeStories(a, group, 130);
    const deep = depth === 1 ? others.slice(64, 128) : [others.at(-1)!];
    for (let n = 2; n <= depth; n++) {
      const text = await forgeStatement(a, { group, n, prev: deep.at(-1)!.hash, name: `${n}` });
      deep.push({ text, hash: await hashOf(a, text) });
    }
    for (const [to, some] of [[b, deep], [c, others.slice(0, 64)]] as const) {
      for (const { text } of [first!, ...some]) {
        await bring(a, to, statementFrame(group, text));
      }
    }
    await b.send(group, "before");
    await world.back(b, c);
    await world.deliver();
    await b.send(group, "after");
    await world.deliver();
    assertEquals(await c.texts(group), ["before", "after"]);
  });
}

for (const [time, aheadMs] of [["its time", 0], ["a time far ahead", 10 ** 12]] as const) {
  Deno.test(`more expired texts with ${time} than go at once hold up nothing`, async () => {
    using world = await GroupWorld.start(3);
    const [a, b, c] = world.people;
    const group = await world.group();
    await world.away(c);
    const sent_at = b.messaging.world.parts.clock.nowMs() + aheadMs;
    const texts = Array.from({ length: 70 }, () => ({ expires_ms: 1_000, sent_at }));
    for (const message of await forgeRun(a, group, texts)) {
      assertEquals(await bringMessage(a, b, group, message), true);
    }
    await world.pause(3_600_000);
    await world.away(a);
    await world.back(c);
    await world.deliver();
    const id = await b.send(group, "after");
    await world.deliver();
    assertEquals((await c.texts(group)).filter((text) => text !== ""), ["after"]);
    assertEquals((await b.states(group, id, world.people)).c, "delivered");
  });
}

Deno.test("more removed texts than go at once come with what removed them", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  const texts = Array.from({ length: 70 }, () => ({}));
  const removals = texts.map((_, index) => ({
    type: "remove",
    removes: { run: RUN, n: index + 1 },
    text: "",
  }));
  for (const message of await forgeRun(a, group, [...texts, ...removals])) {
    assertEquals(await bringMessage(a, b, group, message), true);
  }
  await world.away(a);
  await world.back(c);
  await b.send(group, "after");
  await world.deliver();
  assertEquals((await c.texts(group)).filter((text) => text !== ""), ["after"]);
  assertEquals(rowsOf(c).messages, 141);
});

Deno.test("messages without their texts, each in a run of its own, leave nothing anywhere", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  const before = rowsOf(b);
  for (let index = 0; index < 100; index++) {
    const run = encodeBase64Url(encodeUtf8(`run ${index}`.padEnd(8)));
    const { message } = await forgeMessage(a, group, { run });
    assertEquals(await bring(a, b, { type: "group_message", header: { group, message } }), false);
  }
  assertEquals(rowsOf(b), before);
});

Deno.test("more runs of an author than there may be hold up nothing between two who took others of them", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(a, b, c);
  for (const [to, first] of [[b, 0], [c, 24]] as const) {
    for (let index = first; index < first + 24; index++) {
      const message = await forgeMessage(a, group, { run: runOf(index) });
      assertEquals(await bringMessage(a, to, group, message), true);
    }
  }
  await world.back(b, c);
  await world.deliver();
  await writesTo(world, group, b, c);
  await writesTo(world, group, c, b);
});

Deno.test("an author who has filled their share of one inbox holds up nothing that others write to it", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  for (const message of await forgeRun(a, group, Array.from({ length: 70 }, () => ({})))) {
    assertEquals(await bringMessage(a, b, group, message), true);
  }
  await world.away(a);
  const { database } = c.messaging.world.parts;
  const fill = database.prepare(
    "INSERT INTO messaging_shares (peer, count, bytes) VALUES (?, ?, 0)",
  );
  fill.run(a.id, 100_000);
  await world.back(c);
  await world.deliver();
  await writesTo(world, group, b, c);
  database.prepare("DELETE FROM messaging_shares WHERE peer = ?").run(a.id);
  await world.connectAll([c]);
  await world.deliver();
  assertEquals((await c.texts(group)).length, 71, "nothing of it was lost");
});

Deno.test("reactions to what has expired before somebody came hold up nothing that is written to them", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group([a, b]);
  const sent_at = b.messaging.world.parts.clock.nowMs();
  const [text] = await forgeRun(a, group, [{ expires_ms: 1_000, sent_at }]);
  assertEquals(await bringMessage(a, b, group, text!), true);
  await world.pause(3_600_000);
  await a.invite(group, c);
  await world.deliver();
  await c.accept(group);
  await world.deliver();
  await world.away(c);
  const { stm } = b.messaging.world.parts.database
    .prepare("SELECT hash AS stm FROM messaging_group_statements WHERE n = 1").get()!;
  const to = await hashOf(a, text!.message);
  for (let index = 1; index <= 40; index++) {
    const about = { n: index + 1, prev: to, type: "react", to, stm };
    assertEquals(await bringMessage(a, b, group, await forgeMessage(a, group, about)), true);
  }
  await world.away(a);
  await world.back(c);
  await world.deliver();
  await writesTo(world, group, b, c);
});

Deno.test("messages that fell with a story of the owner while they were under way hold up nothing", async () => {
  using world = await GroupWorld.start(4);
  const [a, b, c, d] = world.people;
  const group = await world.group([a, b, c]);
  await world.away(...world.people);
  const adding = await forgeStatement(a, { group, n: 1, prev: group, add: [{ id: d.id }] });
  const stm = await hashOf(a, adding);
  const other = await storyAbove(a, group, stm);
  assertEquals(await bring(a, b, statementFrame(group, adding)), true);
  assertEquals(await bring(a, c, statementFrame(group, other)), true);
  const body = encodeUtf8(await forgeMembership(d, group, { stm }));
  assertEquals(await bring(d, b, { type: "group_member", header: { group }, body }), true);
  const texts = Array.from({ length: 40 }, () => ({ stm }));
  for (const message of await forgeRun(d, group, texts)) {
    assertEquals(await bringMessage(d, b, group, message), true);
  }
  await world.back(b, c);
  await world.deliver();
  await writesTo(world, group, b, c);
});

Deno.test("whoever brought a message without its text is not taken to have it", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  await world.deliver();
  const forged = await forgeMessage(a, group);
  const shell = { type: "group_message", header: { group, message: forged.message } };
  assertEquals(await bring(c, b, shell), false);
  await world.back(c);
  await world.part(a, c);
  await world.deliver();
  assertEquals(await bringMessage(a, b, group, forged), true);
  await world.deliver();
  assertEquals(await c.texts(group), ["forged"]);
});

Deno.test("of stories that an owner tells, and of messages under one number, no more are on disk than are kept", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  const before = rowsOf(b);
  for (const { text } of (await forgeStories(a, group, 80)).reverse()) {
    assertEquals(await bring(a, b, statementFrame(group, text)), true);
  }
  const messages = await Promise.all(Array.from({ length: 20 }, async (_, index) => {
    const forged = await forgeMessage(a, group, { text: `${index}` });
    return { forged, hash: await hashOf(a, forged.message) };
  }));
  for (const { forged } of messages.sort((one, other) => one.hash > other.hash ? -1 : 1)) {
    assertEquals(await bringMessage(a, b, group, forged), true);
  }
  assertEquals(rowsOf(b), {
    ...before,
    messages: before.messages + 2,
    chains: before.chains + 2,
    statements: before.statements + 1 + 64,
  });
});
