/**
 * What counts as read, and what is told of it.
 */
import { assertEquals } from "@std/assert";
import { settle } from "../../world/settle.ts";
import { TwoSides } from "./two_sides.ts";

const HOUR_MS = 3_600_000;

Deno.test("A text that comes after the receipt is not read for that", async () => {
  for (const late of [0, 1]) {
    using sides = await TwoSides.start();
    const { a, b } = sides;
    for (const text of ["one", "two", "three"]) await a.send(text);
    const frames = await a.sent();
    for (const frame of frames.toSpliced(late, 1)) await a.bring(frame);
    await b.read();
    await b.deliver();
    await a.bring(frames[late]!);
    await settle();
    const read = late === 0 ? [] : ["read"];
    assertEquals(await a.states(), [...read, "delivered", "delivered", "delivered"].slice(0, 3));
    assertEquals((await b.view()).unread, 1);
    await b.read();
    await b.deliver();
    assertEquals(await a.states(), ["read", "read", "read"]);
  }
});

Deno.test("A number that is missing for a day holds no receipt up", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  for (const text of ["one", "two", "three"]) await a.send(text);
  const frames = await a.sent();
  await a.bring(frames[0]!);
  await a.bring(frames[2]!);
  b.messaging.world.parts.clock.skip(25 * HOUR_MS);
  await b.read();
  await b.deliver();
  assertEquals(await a.states(), ["read", "waiting", "read"]);
});

Deno.test("Whoever has read up to an own text has read what stands above it, and nothing else", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("zero");
  await a.deliver();
  let last = "";
  for (let index = 0; index < 5; index++) last = await b.send(`b${index}`);
  await sides.deliver();
  for (const text of ["1", "2", "3"]) await a.send(text);
  await a.deliver();
  assertEquals((await b.view()).unread, 4);
  assertEquals(await b.read(last), { unread: 3 });
  await b.deliver();
  assertEquals(await a.states(), ["read", "delivered", "delivered", "delivered"]);
  assertEquals(await b.read(), { unread: 0 });
});

Deno.test("What was read stays so in a new run", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  await a.deliver();
  await b.read();
  await b.deliver();
  await a.messaging.world.parts.store.setSelf("restored", "1790000000001");
  await a.messaging.restart();
  a.messaging.world.parts.clock.skip(HOUR_MS);
  await a.send("two");
  await a.send("three");
  await a.deliver();
  const [, two] = await b.history();
  await b.read(two!.id);
  await b.deliver();
  assertEquals(await a.states(), ["read", "read", "delivered"]);
});

Deno.test("An answer names the newest of each run that its writer had seen, whatever came last", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  for (const text of ["q1", "q2", "q3: shall we?"]) {
    await a.send(text);
    a.messaging.world.parts.clock.skip(1_000);
  }
  const [first, second, third] = await a.sent();
  for (const frame of [first, third, second]) await a.bring(frame!);
  const header = { type: "messaging.text", id: "older" };
  await b.messaging.receive({ peer: a.id, id: "older", header });
  await b.messaging.receive({
    peer: a.id,
    id: "other",
    header: { ...header, id: "other", run: "AAAAAAAAAAA", n: 7 },
  });
  // The answer's clock is an hour behind.
  b.messaging.world.parts.clock.skip(-HOUR_MS);
  await b.send("yes, we shall");
  const [answer] = await b.sent();
  assertEquals(answer!.header.after, [
    { run: "AAAAAAAAAAA", n: 7 },
    { run: third!.header.run, n: 3 },
  ]);
  await b.bring(answer!);
  assertEquals(await a.texts(), ["q1", "q2", "q3: shall we?", "yes, we shall"]);
});
