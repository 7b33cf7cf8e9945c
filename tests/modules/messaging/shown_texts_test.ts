/**
 * What of a text is shown: its latest form, and no more of all than an answer holds.
 */
import { assert, assertEquals } from "@std/assert";
import type { SearchView } from "../../../protocol/messaging_api.ts";
import { TwoSides } from "./two_sides.ts";

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
