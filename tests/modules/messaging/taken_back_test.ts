import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { type Side, TwoSides } from "./two_sides.ts";

/** What became of own messages: the column `delivered`, and how long their texts are. */
function fates({ messaging }: Side): unknown[][] {
  return messaging.world.parts.store.statement(
    "SELECT kind, delivered, LENGTH(sealed) AS length FROM messaging_outbox WHERE kind <> 'remove' ORDER BY number",
  ).all().map(({ kind, delivered, length }) => [kind, delivered, length]);
}

/** The types of frames that are under way. */
async function underWay(side: Side): Promise<number> {
  await settle();
  return side.messaging.world.sender.waiting(side.other.id);
}

Deno.test("With a text that is taken back goes what waits and is about it", async () => {
  using sides = await TwoSides.start();
  const { a } = sides;
  const id = await a.send("too much");
  await a.send("far too much", { edits: id });
  await a.react(id, "x");
  assertEquals(await underWay(a), 3);
  await a.ask("POST", "/outbox/cancel", { id });
  assertEquals(await underWay(a), 3, "the words that these numbers stay empty");
  assertEquals(fates(a), [["text", 3, 0], ["edit", 3, 0], ["react", 3, 0]]);
  a.messaging.world.sender.sent.splice(0, 3);
  const taken = await a.deliver();
  assertEquals(taken, Array(3).fill("messaging.remove"));
});

Deno.test("Of a text that its writer removes no later edit leaves any more", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("a slip");
  await sides.deliver();
  await a.send("a slip of the pen", { edits: id });
  assertEquals(await underWay(a), 1);
  await a.remove(id);
  assertEquals([await underWay(a), fates(a)[1]], [2, ["edit", 3, 0]]);
  a.messaging.world.sender.sent.splice(0, 1);
  assertEquals(await a.deliver(), Array(2).fill("messaging.remove"));
  assertEquals((await b.history())[0]!.removed, true);
});

Deno.test("Of a text that has expired no later edit leaves any more", async () => {
  using sides = await TwoSides.start();
  const { a } = sides;
  const id = await a.send("short", { expires_ms: 60_000 });
  await sides.deliver();
  await a.send("shorter", { edits: id });
  assertEquals(await underWay(a), 1);
  await a.messaging.world.parts.clock.advance(120_000);
  assertEquals([await underWay(a), fates(a)], [1, [["text", 1, 0], ["edit", 3, 0]]]);
});

Deno.test("With a text that comes once it has expired goes the edit that came before it", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("short", { expires_ms: 60_000 });
  await a.send("shorter", { edits: id });
  b.messaging.world.parts.clock.skip(120_000);
  await a.deliver((frames) => frames.toReversed());
  const rows = b.messaging.world.parts.store
    .statement("SELECT kind, LENGTH(sealed) AS length FROM messaging_inbox").all();
  assertEquals(rows.map(({ kind, length }) => [kind, length]), [["edit", 0], ["text", 0]]);
});

Deno.test("Of a text that the peer takes away no reaction leaves any more", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await b.send("too much");
  await sides.deliver();
  await a.react(id, "x");
  assertEquals(await underWay(a), 1);
  await b.remove(id);
  await b.deliver();
  assertEquals([await underWay(a), fates(a)], [1, [["react", 3, 0]]]);
  a.messaging.world.sender.sent.splice(0, 1);
  assertEquals(await a.deliver(), ["messaging.remove"], "the word that its number stays empty");
});

Deno.test("A text whose acknowledgement comes while it is removed is removed at the peer", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("a slip");
  await settle();
  const { crypto } = a.messaging.world.parts;
  const sealRows = crypto.sealRows.bind(crypto);
  const isSealing = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  crypto.sealRows = async (rows) => {
    isSealing.resolve();
    await goOn.promise;
    return sealRows(rows);
  };
  const removing = a.remove(id);
  await isSealing.promise;
  await a.deliver();
  goOn.resolve();
  await removing;
  crypto.sealRows = sealRows;
  await sides.deliver();
  assertEquals([(await a.history())[0]!.removed, (await b.history())[0]!.removed], [true, true]);
});

Deno.test("A text that is taken back while what waits is opened does not leave", async () => {
  using sides = await TwoSides.start();
  const { a } = sides;
  const id = await a.send("taken back in time");
  await settle();
  const { crypto } = a.messaging.world.parts;
  const openRows = crypto.openRows.bind(crypto);
  const goOn = Promise.withResolvers<void>();
  crypto.openRows = async (rows) => {
    await goOn.promise;
    return openRows(rows);
  };
  a.messaging.world.sender.sent.length = 0;
  await a.messaging.restart();
  await a.ask("POST", "/outbox/cancel", { id });
  goOn.resolve();
  await settle();
  const types = a.messaging.world.sender.sent.map(({ header }) => header.type);
  assertEquals(types.filter((type) => type === "messaging.text"), []);
});

Deno.test("That a message is removed cannot be taken back", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("a slip");
  await sides.deliver();
  await a.remove(id);
  const [removal] = await a.waiting();
  await assertRejects(
    () => a.ask("POST", "/outbox/cancel", { id: removal!.id }),
    OpenRedError,
    "removed",
  );
  await sides.deliver();
  assertEquals((await b.history())[0]!.removed, true);
});

Deno.test("Nothing read is told any more once that is switched off", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("one");
  await a.deliver();
  await b.read();
  await settle();
  await b.ask("POST", "/receipts", { peer: a.id, tell: false });
  b.messaging.world.sender.sent.length = 0;
  await b.messaging.restart();
  b.messaging.hosted.host.confirmed(a.id);
  await sides.deliver();
  assertEquals(await a.states(), ["delivered"]);
});
