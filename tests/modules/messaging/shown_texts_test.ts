/**
 * What of a text is shown: its latest form, and no more of all than an answer holds.
 */
import { assert, assertEquals } from "@std/assert";
import type { SearchView } from "../../../protocol/messaging_api.ts";
import { TwoSides } from "./two_sides.ts";

Deno.test("A text that comes out of its turn is told of, and puts nothing in order before somebody reads", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  for (let n = 1; n <= 5; n++) await a.send(`text ${n}`);
  await a.deliver((frames) => frames.toReversed());
  assertEquals(b.told("message").length, 5);
  const unplaced = b.messaging.world.parts.store
    .statement("SELECT COUNT(*) AS count FROM messaging_inbox WHERE place IS NULL").get()!;
  assertEquals(unplaced.count, 4);
});

Deno.test("Edits of two runs show the one of the later place", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("first");
  const [text] = await a.sent();
  await a.bring(text!);
  await a.send("of the first run", { edits: id });
  const [edit] = await a.sent();
  await a.messaging.world.parts.store.setSelf("restored", "1790000000001");
  await a.messaging.restart();
  await a.sent();
  a.messaging.world.parts.clock.skip(1_000);
  await a.send("of the second run", { edits: id });
  await a.send("more");
  const frames = await a.sent();
  for (const frame of [...frames.toReversed(), edit!]) await a.bring(frame);
  assertEquals((await b.messaging.inbox()).map(({ text }) => text), ["of the second run", "more"]);
});

Deno.test("A page of long texts, and of long edits, opens what it shows", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const long = "long ".repeat(50_000);
  for (let index = 0; index < 15; index++) await a.send(long);
  for (let index = 0; index < 15; index++) await a.send(long, { edits: await a.send("short") });
  await a.deliver();
  await b.view();
  await b.ask("GET", "/search?text=nothing");
  const { crypto } = b.messaging.world.parts;
  const open = crypto.openRows.bind(crypto);
  let bytes = 0;
  crypto.openRows = (input) => {
    bytes += input.rows.reduce((sum, { sealed }) => sum + sealed.length, 0);
    return open(input);
  };
  for (
    const query of [
      "inbox?after=0&limit=30",
      "inbox?before=1000&limit=30",
      `history?peer=${a.id}&limit=30`,
    ]
  ) {
    bytes = 0;
    const { messages } = await b.ask<SearchView>("GET", `/${query}`);
    assertEquals(messages.length, 8, query);
    assert(bytes < 9 * long.length, `${query}: ${bytes}`);
  }
});

Deno.test("The inbox and search show the latest edit, however edits came, before anybody reads the history", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("first");
  await a.deliver();
  await a.send("second", { edits: id });
  await a.send("third", { edits: id });
  await a.deliver((frames) => frames.toReversed());
  const found = async (word: string) => {
    const { messages } = await b.ask<SearchView>("GET", `/search?text=${word}`);
    return messages.map(({ text }) => text);
  };
  assertEquals([await found("second"), await found("third")], [[], ["third"]]);
  await b.messaging.world.petnames.give(a.id, "Alice");
  const { petnames } = await b.ask<SearchView>("GET", "/search?text=third");
  assertEquals(petnames, { [a.id]: "Alice" });
  await a.send("fifth", { edits: id });
  await a.send("sixth", { edits: id });
  await a.deliver((frames) => frames.toReversed());
  assertEquals((await b.messaging.inbox()).map(({ text }) => text), ["sixth"]);
});
