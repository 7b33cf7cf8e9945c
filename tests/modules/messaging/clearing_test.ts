/**
 * What the owner clears is gone, and stays so.
 */
import { assertEquals } from "@std/assert";
import type { ConversationsView } from "../../../protocol/messaging_api.ts";
import { TwoSides } from "./two_sides.ts";

const ALL = Number.MAX_SAFE_INTEGER;

Deno.test("What was cleared does not come back with a repeat, nor does what was removed before", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const removed = await a.send("removed by its writer");
  const edited = await a.send("first");
  await a.send("edited", { edits: edited });
  const frames = await a.sent();
  for (const frame of frames) await a.bring(frame);
  await a.remove(removed);
  const removals = await a.sent();
  for (const frame of removals) await a.bring(frame);
  assertEquals(await b.messaging.clear(a.id, ALL), { removed: 4 });
  assertEquals(await b.messaging.clear(a.id, ALL), { removed: 0 });
  for (const frame of [...frames, ...removals]) assertEquals(await a.bring(frame), true);
  const { store } = b.messaging.world.parts;
  const left = store.statement("SELECT SUM(LENGTH(sealed)) AS bytes FROM messaging_inbox").get();
  assertEquals(left, { bytes: 0 } as typeof left);
  const { messages, unread } = await b.view();
  const listed = await b.ask<ConversationsView>("GET", "/conversations");
  assertEquals([messages, unread, await b.messaging.inbox(), listed.conversations], [
    [],
    0,
    [],
    [],
  ]);
});

Deno.test("What was cleared leaves no gap before what stays", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  for (const text of ["1", "2", "3", "4", "5"]) await a.send(text);
  const frames = await a.sent();
  for (const index of [0, 1, 3, 2, 4]) await a.bring(frames[index]!);
  const three = (await b.messaging.inbox()).find(({ text }) => text === "3")!;
  assertEquals(await b.messaging.clear(a.id, three.number), { removed: 3 });
  const shown = (await b.history()).map(({ text, missing_before: gap }) => [text, gap]);
  assertEquals(shown, [["3", undefined], ["5", undefined]]);
});
