import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { encodeBase64Url } from "../../../../../crypto/encoding.ts";
import { openStatement } from "../../../../../modules/messaging/groups/core/statements.ts";
import { OpenRedError } from "../../../../../protocol/errors.ts";
import { found, Person, strangers } from "./people.ts";

const [owner, other] = [new Person(1), new Person(2)];
const HASH = "A".repeat(43);
const NONCE = "A".repeat(22);
const FIRST = { n: 0, nonce: NONCE, add: [owner.added], iat: 1 };
const LATER = { group: HASH, n: 1, prev: HASH, iat: 1 };

function runOf(at: number): string {
  return encodeBase64Url(new Uint8Array(8).fill(at));
}

async function codeOf(payload: object, typ = "openred-group+jwt" as const): Promise<string> {
  const text = owner.signed(typ, payload);
  const error = await assertRejects(() => openStatement(owner.signatures, text), OpenRedError);
  return error.code;
}

Deno.test("openStatement() reads the first statement, whose hash is the group", async () => {
  const first = await found(owner, other);
  assertStrictEquals(first.group, first.hash);
  assertEquals([first.n, first.prev, first.name, first.owner], [0, null, "Choir", null]);
  assertEquals(first.add, [owner.added, other.added]);
  assertEquals(await openStatement(other.signatures, first.text), first);
});

Deno.test("openStatement() refuses a first statement that is none", async () => {
  const bad = [
    { nonce: undefined },
    { nonce: "AA" },
    { add: [other.added] },
    { add: [] },
    { group: HASH },
    { prev: HASH },
    { owner: other.id },
    { remove: [{ id: other.id, last: [] }] },
    { succession: [other.succession(owner.id)] },
  ];
  for (const change of bad) {
    assertStrictEquals(
      await codeOf({ ...FIRST, ...change }),
      "bad_request",
      JSON.stringify(change),
    );
  }
});

Deno.test("openStatement() refuses members of another form", async () => {
  const entry = { run: "AAAAAAAAAAA", n: 1, hash: HASH };
  const remove = (last: unknown) => ({ remove: [{ id: other.id, last }] });
  const bad: readonly object[] = [
    { group: undefined },
    { group: HASH.slice(1) },
    { group: `${HASH.slice(1)}B` },
    { prev: undefined },
    { prev: 7 },
    { n: -1 },
    { n: 1.5 },
    { n: 10_000 },
    { n: "1" },
    { iat: undefined },
    { iat: -1 },
    { name: "" },
    { name: "é".repeat(129) },
    { name: 3 },
    { add: {} },
    { add: [{ id: "somebody" }] },
    { add: [{ id: other.id, next: "short" }] },
    { add: [other.added, other.added] },
    { add: strangers(257) },
    { add: [{ ...other.added, must: ["colour"] }] },
    { remove: [{ id: other.id }] },
    remove([entry, entry]),
    remove([{ ...entry, run: "AAAA" }]),
    remove([{ ...entry, n: 0 }]),
    remove([{ ...entry, n: 1_000_000_001 }]),
    remove(Array.from({ length: 25 }, (_, at) => ({ ...entry, run: runOf(at) }))),
    { owner: "somebody" },
    { history: "yes" },
    { succession: [] },
    { succession: "text" },
    { succession: Array(9).fill(other.succession(owner.id)) },
  ];
  for (const change of bad) {
    assertStrictEquals(
      await codeOf({ ...LATER, ...change }),
      "bad_request",
      JSON.stringify(change),
    );
  }
});

Deno.test("openStatement() refuses what it has to understand and does not", async () => {
  assertStrictEquals(await codeOf({ ...LATER, must: ["colour"] }), "unsupported");
  assertStrictEquals(await codeOf({ ...LATER, v: 4 }), "unsupported");
  const text = owner.signed("openred-group+jwt", { ...LATER, colour: "red", must: ["name"] });
  assertStrictEquals((await openStatement(owner.signatures, text)).n, 1);
});

Deno.test("openStatement() refuses a long text before it reads it", async () => {
  const error = await assertRejects(
    () => openStatement(owner.signatures, "a".repeat(65_537)),
    OpenRedError,
  );
  assertStrictEquals(error.code, "too_large");
});

Deno.test("openStatement() refuses another type, and a text that was changed", async () => {
  const first = await found(owner);
  const [header, payload, signature] = first.text.split(".");
  const changed = btoa(atob(payload!).replace("Choir", "Chair"));
  const bad = [
    owner.signed("openred-group-member+jwt", FIRST),
    `${header}.${changed.replace(/=/g, "")}.${signature}`,
    other.signed("openred-group+jwt", { ...FIRST, iss: owner.id }),
  ];
  for (const text of bad) {
    const error = await assertRejects(() => openStatement(owner.signatures, text), OpenRedError);
    assertStrictEquals(error.code, "bad_signature");
  }
});

Deno.test("openStatement() reads a line of successions, and refuses one that is none", async () => {
  const { next, succession } = owner.succeed();
  const { next: last, succession: second } = next.succeed();
  const open = (texts: readonly string[], signer = last) =>
    openStatement(
      owner.signatures,
      signer.signed("openred-group+jwt", { ...LATER, succession: texts }),
    );
  const { line } = await open([succession, second]);
  assertEquals(line, {
    texts: [succession, second],
    keys: [owner.id, next.id, last.id],
    pin: owner.next,
    next: last.next,
  });
  const stranger = new Person(9);
  const bad: readonly (readonly [readonly string[], Person?])[] = [
    [[second, succession]],
    [[succession]],
    [[succession, stranger.succession(next.id)], stranger],
    [[next.succession(owner.id, other.next), second]],
  ];
  for (const [texts, signer] of bad) {
    const error = await assertRejects(() => open(texts, signer), OpenRedError);
    assertStrictEquals(error.code, "bad_request");
  }
  const forged = `${succession.slice(0, -8)}AAAAAAAA`;
  const error = await assertRejects(() => open([forged], next), OpenRedError);
  assertStrictEquals(error.code, "bad_signature");
});
