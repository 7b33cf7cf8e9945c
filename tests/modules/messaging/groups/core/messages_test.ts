import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../../crypto/encoding.ts";
import {
  checkContent,
  contentHash,
  keptUnderNumber,
  openMessage,
} from "../../../../../modules/messaging/groups/core/messages.ts";
import { OpenRedError } from "../../../../../protocol/errors.ts";
import { Person, RUN } from "./people.ts";

const author = new Person(1);
const { signatures } = author;
const HASH = "A".repeat(43);
const GOOD = {
  group: HASH,
  stm: HASH,
  run: RUN,
  n: 2,
  prev: HASH,
  type: "text",
  sent_at: 1,
  hash: HASH,
};
const NAME = { run: RUN, n: 1 };

async function codeOf(text: string): Promise<string> {
  return (await assertRejects(() => openMessage(signatures, text), OpenRedError)).code;
}

Deno.test("openMessage() reads what its author signed", async () => {
  const message = await author.write({
    group: HASH,
    stm: HASH,
    n: 2,
    after: [HASH],
    replyTo: HASH,
    edits: NAME,
    expiresMs: 5_000,
  });
  assertEquals(await openMessage(signatures, message.text), message);
  assertEquals([message.iss, message.replyTo, message.edits], [author.id, HASH, NAME]);
});

Deno.test("openMessage() refuses members of another form", async () => {
  const bad: readonly object[] = [
    { group: "short" },
    { stm: undefined },
    { run: "AAAA" },
    { n: 0 },
    { n: 1_000_000_001 },
    { n: 1 },
    { prev: undefined },
    { prev: [HASH] },
    { type: "Text" },
    { type: "a".repeat(33) },
    { sent_at: -1 },
    { after: Array(9).fill(HASH) },
    { after: ["short"] },
    { reply_to: NAME },
    { edits: HASH },
    { edits: { run: RUN, n: 2 } },
    { edits: { ...NAME, must: ["colour"] } },
    { expires_ms: 999 },
    { hash: undefined },
    { to: HASH },
    { removes: NAME },
    { type: "react" },
    { type: "react", to: HASH, removes: NAME },
    { type: "remove" },
    { type: "remove", removes: NAME, edits: NAME },
    { type: "remove", removes: { run: RUN, n: 3 } },
  ];
  for (const change of bad) {
    const text = author.signed("openred-group-message+jwt", { ...GOOD, ...change });
    assertStrictEquals(await codeOf(text), "bad_request", JSON.stringify(change));
  }
  const long = author.signed("openred-group-message+jwt", { ...GOOD, more: "a".repeat(2_000) });
  assertStrictEquals(await codeOf(long), "too_large");
});

Deno.test("a type of a later version is taken, and any of its own names", async () => {
  const poll = { ...GOOD, type: "constructor", to: HASH, removes: NAME };
  const text = author.signed("openred-group-message+jwt", poll);
  assertStrictEquals((await openMessage(signatures, text)).type, "constructor");
});

Deno.test("whoever passes a message on cannot change its type, statement, time or target", async () => {
  const { text } = await author.write({ group: HASH, stm: HASH, n: 2, edits: NAME });
  const [header, payload, signature] = text.split(".");
  const json = JSON.parse(atob(payload!.replaceAll("-", "+").replaceAll("_", "/")));
  const stm = `B${HASH.slice(1)}`;
  for (
    const change of [{ type: "poll" }, { stm }, { sent_at: 5 }, { edits: undefined }, {
      group: stm,
    }]
  ) {
    const changed = btoa(JSON.stringify({ ...json, ...change }));
    const forged = changed.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    assertStrictEquals(await codeOf(`${header}.${forged}.${signature}`), "bad_signature");
  }
  assertStrictEquals(await codeOf(author.signed("openred-group+jwt", GOOD)), "bad_signature");
});

Deno.test("a body is the one that was signed, under its salt", async () => {
  const [salt, body] = [new Uint8Array(16).fill(1), encodeUtf8("hi")];
  const content = await contentHash(signatures, { salt, body });
  await checkContent(signatures, { content }, { salt, body });
  for (
    const other of [
      { salt, body: encodeUtf8("ho") },
      { salt: new Uint8Array(16), body },
      { salt: new Uint8Array([...salt.slice(1), 104]), body },
    ]
  ) {
    const error = await assertRejects(
      () => checkContent(signatures, { content }, other),
      OpenRedError,
    );
    assertStrictEquals(error.code, "bad_signature");
  }
});

Deno.test("of messages under one number the two smaller hashes are kept", () => {
  assertEquals(keptUnderNumber(["c", "a"]), ["a", "c"]);
  assertEquals(keptUnderNumber(["c", "a", "b", "a"]), ["a", "b"]);
});
