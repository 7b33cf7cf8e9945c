import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { SearchView } from "../../../protocol/messaging_api.ts";
import { matches, normalize, readQuery, termsOf } from "../../../modules/messaging/search_terms.ts";
import { findInSegment, writeSegment } from "../../../modules/messaging/search_segment.ts";
import { settle } from "../../world/settle.ts";
import { type Side, TwoSides } from "./two_sides.ts";

async function found(side: Side, text: string, more = ""): Promise<string[]> {
  const query = `text=${encodeURIComponent(text)}${more}`;
  const view = await side.ask<SearchView>("GET", `/search?${query}`);
  return view.messages.map((message) => message.text);
}

Deno.test("termsOf() gives words without case and accents, and pairs where there are no blanks", () => {
  const cases: [string, string[]][] = [
    ["Crème BRÛLÉE, x2!", ["creme", "brulee", "x2"]],
    ["ＦＵＬＬ ﬁn", ["full", "fin"]],
    ["日本語", ["日本", "本語", "語"]],
    ["東京tower", ["東京", "京", "tower"]],
    ["สวัสดี", [...termsOf("สวัสดี")]],
    ["", []],
  ];
  for (const [text, terms] of cases) assertEquals([...termsOf(text)], terms);
  assert(termsOf("ภาษาไทย").size > 3);
  assertEquals([...termsOf("a".repeat(100))], ["a".repeat(32)]);
});

Deno.test("A text is found by the beginning of each of its words, and by any part without blanks", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.nat(), (text, cut) => {
    for (const term of termsOf(text)) {
      const characters = [...term];
      const query = readQuery(characters.slice(0, 1 + cut % characters.length).join(""));
      assert(matches(text, query), `${term} in ${text}`);
    }
  }));
  const text = "我们明天在东京见面";
  for (let at = 0; at < text.length; at++) {
    for (let end = at + 1; end <= text.length; end++) {
      assert(matches(text, readQuery(text.slice(at, end))));
    }
  }
  assert(!matches("东见京", readQuery("东京")));
  assert(!matches("明天 天在", readQuery("明天在")));
});

Deno.test("A segment finds what the texts have, and nothing else", () => {
  const word = fc.string({
    unit: fc.constantFrom("a", "b", "é", "日", "1"),
    minLength: 1,
    maxLength: 3,
  });
  const texts = fc.array(fc.array(word, { maxLength: 4 }).map((words) => words.join(" ")));
  fc.assert(fc.property(texts, word, fc.nat({ max: 1000 }), (all, prefix, first) => {
    const messages = all.map((text, index) => ({ number: first + index * 3, text }));
    const segment = writeSegment(first, messages);
    const normal = normalize(prefix);
    const expected = messages
      .filter(({ text }) => [...termsOf(text)].some((term) => term.startsWith(normal)))
      .map(({ number }) => number);
    assertEquals([...findInSegment(segment, first, normal)].sort((a, b) => a - b), expected);
  }));
});

Deno.test("Search finds the latest texts of both sides, by all words, in one conversation or all", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  await a.send("Meet me at the café tomorrow");
  a.messaging.world.parts.clock.skip(1);
  const id = await a.send("the wrong place");
  await sides.deliver();
  b.messaging.world.parts.clock.skip(10);
  await b.send("明天在东京见面");
  await sides.deliver();
  await a.send("the right place", { edits: id });
  await sides.deliver();
  for (const side of [a, b]) {
    assertEquals(await found(side, "CAFE meet"), ["Meet me at the café tomorrow"]);
    assertEquals(await found(side, "the"), ["the right place", "Meet me at the café tomorrow"]);
    assertEquals(await found(side, "wrong"), []);
    assertEquals(await found(side, "东京"), ["明天在东京见面"]);
    assertEquals(await found(side, "the", `&peer=${side.other.id}&limit=1`), ["the right place"]);
    assertEquals(await found(side, "!"), []);
  }
  await a.remove(id);
  await sides.deliver();
  for (const side of [a, b]) assertEquals(await found(side, "right"), []);
});

Deno.test("Segments hold nothing of what is gone, are sealed, and are made anew where they were changed", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const { parts } = b.messaging.world;
  const count = 300;
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const text = `message ${index} ${index % 27 === 7 ? "needle" : "hay"}`;
    ids.push(await a.send(text));
  }
  await sides.deliver();
  assertEquals((await found(b, "needle")).length, 11);
  const segments = () =>
    parts.store.statement("SELECT stale, sealed FROM messaging_segments").all();
  assertEquals(segments().map(({ stale }) => stale), [0]);
  const sealed = segments()[0]!.sealed as Uint8Array;
  assertEquals(new TextDecoder("latin1").decode(sealed).includes("needle"), false);
  await a.remove(ids[7]!);
  await sides.deliver();
  assertEquals(segments().map(({ stale }) => stale), [1]);
  assertEquals((await found(b, "needle")).length, 10);
  assertEquals(segments().map(({ stale }) => stale), [0]);
  sealed[40]! ^= 1;
  await parts.store.write(() => {
    parts.store.statement("UPDATE messaging_segments SET sealed = ?").run(sealed);
  });
  await b.messaging.restart();
  await found(b, "needle");
  assert(parts.events.warnings().some((text) => text.includes("search index was changed")));
  assertEquals((await found(b, "needle")).length, 10);
  await settle();
});

Deno.test("A segment is of as many texts as are sealed at once, however long they are", async () => {
  using sides = await TwoSides.start();
  const { a } = sides;
  const wordsFrom = (first: number) =>
    Array.from({ length: 29_000 }, (_, index) => `w${(first + index).toString(36)}`).join(" ");
  const count = 7;
  for (let index = 0; index < count; index++) await a.send(wordsFrom(2e6 + index * 29_000));
  const needle = `w${(2e6 + 5 * 29_000).toString(36)}`;
  assertEquals((await found(a, needle)).length, 1);
  const ranges = a.messaging.world.parts.store
    .statement("SELECT last - first AS more FROM messaging_segments").all();
  assertEquals(ranges.map(({ more }) => more), Array(3).fill(1));
});
