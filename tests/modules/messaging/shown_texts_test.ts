/**
 * What of a text is shown: its latest form, and no more of all than an answer holds.
 */
import { assertEquals } from "@std/assert";
import type { SearchView } from "../../../protocol/messaging_api.ts";
import { TwoSides } from "./two_sides.ts";

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
  await a.send("fifth", { edits: id });
  await a.send("sixth", { edits: id });
  await a.deliver((frames) => frames.toReversed());
  assertEquals((await b.messaging.inbox()).map(({ text }) => text), ["sixth"]);
});
