import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { parsePhrase } from "../../../cli/recovery_phrase.ts";
import type { NewPhraseView } from "../../../protocol/recovery_phrase_api.ts";
import { verifyRecord } from "../../../protocol/record.ts";
import { until } from "../../world/until.ts";
import { TestNode } from "../test_node.ts";

const HALF_HOUR_MS = 30 * 60_000;

async function make(test: TestNode): Promise<NewPhraseView> {
  const { status, body } = await test.admin("POST", "/recovery-phrase", {});
  assertEquals(status, 200);
  return body as unknown as NewPhraseView;
}

function answerOf({ words, asked }: NewPhraseView): string[] {
  return asked.map((place) => words[place - 1]!);
}

async function keep(test: TestNode, words: readonly string[]): Promise<[number, unknown]> {
  const { status, body } = await test.admin("POST", "/recovery-phrase/keep", { words });
  return [status, body?.code];
}

async function nextInRecord(test: TestNode): Promise<string | undefined> {
  const { body } = await test.admin("GET", "/id");
  const [, payload] = String(body!.record).split(".");
  return JSON.parse(atob(payload!.replaceAll("-", "+").replaceAll("_", "/"))).next;
}

async function warned(test: TestNode): Promise<string[]> {
  const { body } = await test.admin("GET", "/status");
  return (body!.warned as { topic: string }[]).map(({ topic }) => topic);
}

Deno.test("a running node's recovery phrase holds once three of its words came back, and leads to what its record names", async () => {
  await using test = await TestNode.start();
  assert((await warned(test)).includes("no_recovery_phrase"));
  const shown = await make(test);
  assertEquals(new Set(shown.asked).size, 3);
  assertEquals(await nextInRecord(test), undefined);
  const typed = answerOf(shown).map((word) => ` ${word.toUpperCase()} `);
  assertEquals((await keep(test, typed))[0], 200);
  const phrase = parsePhrase(new TextEncoder().encode(shown.words.join(" ")));
  const { next } = await test.crypto.openSuccessor({ phrase });
  assertEquals(await nextInRecord(test), encodeBase64Url(next));
  assertEquals((await warned(test)).includes("no_recovery_phrase"), false);
});

Deno.test("whoever has a session learns of a recovery phrase at once, and so do directories", async () => {
  await using test = await TestNode.start();
  await test.decide();
  const session = await test.connect();
  await session.send({ type: "core.hello" });
  const { seq } = (await test.record()).payload;
  await keep(test, answerOf(await make(test)));
  const said: Record<string, unknown>[] = [];
  await until(async () => {
    await test.clock.advance(10);
    said.push(...await session.read());
    return said.some(({ type }) => type === "core.record");
  }, "the peer is shown the record");
  const { record } = said.find(({ type }) => type === "core.record")!;
  const shown = await verifyRecord(test.crypto, record as string);
  assert(shown.payload.next !== undefined && shown.payload.seq > seq);
  await until(async () => {
    await test.clock.advance(10);
    return test.directory.registered.includes(record as string);
  }, "the directory is shown it");
});

Deno.test("a node that has a recovery phrase makes no other one", async () => {
  await using test = await TestNode.start();
  const shown = await make(test);
  assertEquals((await keep(test, answerOf(shown)))[0], 200);
  assertEquals((await test.admin("POST", "/recovery-phrase", {})).status, 400);
  assertEquals(await keep(test, answerOf(shown)), [400, "bad_request"]);
});

Deno.test("wrong words keep no recovery phrase, and the sixth answer is not looked at", async () => {
  await using test = await TestNode.start();
  assertEquals(await keep(test, ["a", "b", "c"]), [404, "not_found"]);
  const shown = await make(test);
  const [first, second, third] = answerOf(shown) as [string, string, string];
  assertEquals(await keep(test, [first, second]), [400, "bad_request"]);
  const wrong = [first, second, `${third}x`];
  for (let turn = 0; turn < 5; turn++) {
    assertEquals(await keep(test, wrong), [400, "bad_request"]);
  }
  assertEquals(await keep(test, [first, second, third]), [404, "not_found"]);
  assertEquals(await nextInRecord(test), undefined);
});

Deno.test("a recovery phrase is void after half an hour, and once another one was shown", async () => {
  await using test = await TestNode.start();
  const first = await make(test);
  await test.clock.advance(HALF_HOUR_MS);
  assertEquals(await keep(test, answerOf(first)), [404, "not_found"]);
  const second = await make(test);
  const third = await make(test);
  assertEquals(await keep(test, answerOf(second)), [400, "bad_request"]);
  assertEquals((await keep(test, answerOf(third)))[0], 200);
});
