import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Block,
  BLOCK_MESSAGES,
  cutBlocks,
  mergeNewest,
} from "../../../modules/console/page/blocks.ts";
import { EventReader } from "../../../modules/console/page/event_reader.ts";
import { safetyNumber } from "../../../modules/console/page/safety.ts";
import type { HistoryMessage } from "../../../protocol/messaging_api.ts";

function message(n: number, text = `text ${n}`): HistoryMessage {
  const id = String(n).padStart(4, "0");
  return { id, conversation: "c", run: null, n, from: "a", text, sent_at: n, state: {} };
}

function range(from: number, to: number): HistoryMessage[] {
  return Array.from({ length: to - from }, (_, at) => message(from + at));
}

function idsOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ messages }) => messages.map(({ id }) => id));
}

Deno.test("mergeNewest() adds what is new, and leaves blocks that did not change as they are", () => {
  const before = cutBlocks(range(0, 100));
  const merged = mergeNewest(before, range(60, 103).map((one) => ({ ...one })));
  assertEquals(idsOf(merged), range(0, 103).map(({ id }) => id));
  assertStrictEquals(merged[0], before[0]);
  assertStrictEquals(merged[2], before[2]);
  assert(merged.every(({ messages }) => messages.length <= BLOCK_MESSAGES));
});

Deno.test("mergeNewest() exchanges what was edited and takes out what has gone", () => {
  const before = cutBlocks(range(0, 40));
  const newest = range(20, 40).filter(({ n }) => n !== 25)
    .map((one) => one.n === 30 ? message(30, "edited") : one);
  const merged = mergeNewest(before, newest);
  const texts = merged.flatMap(({ messages }) => messages.map(({ text }) => text));
  assertEquals(texts.length, 39);
  assert(!texts.includes("text 25"));
  assert(texts.includes("edited") && !texts.includes("text 30"));
});

Deno.test("mergeNewest() begins anew behind a gap, and after everything was erased", () => {
  assertEquals(idsOf(mergeNewest(cutBlocks(range(0, 10)), range(500, 505))), [
    "0500",
    "0501",
    "0502",
    "0503",
    "0504",
  ]);
  assertEquals(mergeNewest(cutBlocks(range(0, 10)), []), []);
});

Deno.test("EventReader takes events apart, wherever the stream is cut", () => {
  const text = ': here\n\nevent: a\ndata: {"x":1}\n\nevent: b\ndata: {"y":\ndata: 2}\n\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const reader = new EventReader();
    const found = [...reader.take(text.slice(0, cut)), ...reader.take(text.slice(cut))];
    assertEquals(found, ['{"x":1}', '{"y":\n2}']);
  }
});

Deno.test("safetyNumber() is the same for both, and another one for anybody else", async () => {
  const [ab, ba, ac] = await Promise.all([
    safetyNumber("alice", "bob"),
    safetyNumber("bob", "alice"),
    safetyNumber("alice", "carol"),
  ]);
  assertEquals(ab, ba);
  assertEquals(ab.words.length, 8);
  assert(ab.words.join() !== ac.words.join());
  assert(JSON.stringify(ab.picture) !== JSON.stringify(ac.picture));
  for (const row of ab.picture.cells) assertEquals(row, row.toReversed());
});
