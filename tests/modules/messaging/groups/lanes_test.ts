import { assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../../crypto/encoding.ts";
import {
  bring,
  bringMessage,
  type Forged,
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

/** How many rows there are of what grows with what comes. */
function rowsOf({ messaging }: Person) {
  const { database } = messaging.world.parts;
  const count = (table: string) =>
    Number(database.prepare(`SELECT COUNT(*) AS count FROM messaging_group_${table}`).get()!.count);
  return { messages: count("messages"), chains: count("chains"), awaited: count("awaited") };
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
        await bring(a, to, { type: "group_statement", header: { group }, body: encodeUtf8(text) });
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
