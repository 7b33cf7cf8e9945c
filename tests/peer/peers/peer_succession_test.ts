import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url, type NodeId } from "../../../crypto/encoding.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { type VerifiedRecord, verifyRecord } from "../../../protocol/record.ts";
import { recordPayload, signText, type TestIdentity, testIdentity } from "../../protocol/signer.ts";
import { START_MS, TestParts } from "../parts.ts";

const OWN = testIdentity(100);
/** Each follows the one before. */
const LINE = Array.from({ length: 11 }, (_, index) => testIdentity(index + 1));
const [OLD, NEXT] = LINE as [TestIdentity, TestIdentity];

async function setUp() {
  const parts = await TestParts.create();
  const book = new PeerBook(parts, OWN.id);
  const moves: [NodeId, NodeId][] = [];
  book.onSuccession((old, next) => moves.push([old, next]));
  return { parts, book, moves };
}

async function hashOf(parts: TestParts, identity: TestIdentity): Promise<string> {
  return encodeBase64Url(await parts.crypto.sha256(identity.publicKey));
}

function record(
  parts: TestParts,
  identity: TestIdentity,
  changes: Record<string, unknown> = {},
): Promise<VerifiedRecord> {
  const payload = recordPayload(identity, { seq: START_MS, ...changes });
  return verifyRecord(parts.crypto, signText(identity, payload, { typ: "openred-record+jwt" }));
}

/** Takes the first of the line into the book, its successor pinned. */
async function meetOld(parts: TestParts, book: PeerBook): Promise<void> {
  await book.take(await record(parts, OLD, { next: await hashOf(parts, NEXT) }));
}

/** The links from one of the line to another, oldest first. */
function links(parts: TestParts, from: number, to: number): Promise<string[]> {
  return Promise.all(
    LINE.slice(from + 1, to + 1).map(async (identity, index) => {
      const follower = LINE[from + index + 2];
      const next = follower === undefined ? {} : { next: await hashOf(parts, follower) };
      const old = LINE[from + index]!.id;
      const payload = { v: 3, iss: identity.id, old, iat: 1, ...next };
      return signText(identity, payload, { typ: "openred-succession+jwt" });
    }),
  );
}

async function refusal(action: () => Promise<unknown>): Promise<string> {
  return (await assertRejects(action, OpenRedError)).code;
}

for (const length of [1, 3, 8]) {
  Deno.test(`PeerBook.follow() moves contact and flags along a chain of ${length}`, async () => {
    const { parts, book, moves } = await setUp();
    using _ = parts;
    await meetOld(parts, book);
    await book.setKnown(OLD.id);
    await book.setRevoked(OLD.id, START_MS);
    const last = LINE[length]!;
    const chain = await links(parts, 0, length);
    assert(await book.follow({ chain, record: await record(parts, last) }));
    const peer = book.get(last.id)!;
    assert(peer.known);
    assertEquals(peer.next, await parts.crypto.sha256(LINE[length + 1]!.publicKey));
    assertEquals(moves, [[OLD.id, last.id]]);
    assertEquals([peer.revokedAt, parts.log.audited("peer_succeeded")], [START_MS, 1]);
    const again = book.judge.bind(book, await record(parts, OLD, { seq: START_MS + 1 }));
    assertEquals(await refusal(() => Promise.resolve().then(again)), "succeeded");
  });
}

Deno.test("PeerBook.follow() moves what others keep in the transaction that ends the old id", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  const { store } = parts;
  store.statement("INSERT INTO self (name, value) VALUES ('kept for', ?)").run(OLD.id);
  let fails = true;
  book.alsoMoves((old, next) => {
    store.statement("UPDATE self SET value = ? WHERE name = 'kept for' AND value = ?")
      .run(next, old);
    if (fails) throw new RangeError("It fails");
  });
  const chain = await links(parts, 0, 1);
  const follow = async () => await book.follow({ chain, record: await record(parts, NEXT) });
  await assertRejects(follow);
  const stored = () => {
    const row = store.statement("SELECT succession FROM peers WHERE id = ?").get(OLD.id);
    return [store.self("kept for"), row?.succession];
  };
  assertEquals(stored(), [OLD.id, null]);
  fails = false;
  await follow();
  assertEquals(stored(), [NEXT.id, chain[0]]);
  const again = new PeerBook(parts, OWN.id);
  await again.load();
  assertEquals(again.get(OLD.id)?.succession, chain[0]);
});

Deno.test("PeerBook.follow() takes no flag from a successor who is known already", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  const newRecord = await record(parts, NEXT);
  await book.take(newRecord);
  await book.setKnown(NEXT.id);
  assert(await book.follow({ chain: await links(parts, 0, 1), record: newRecord }));
  assert(book.get(NEXT.id)?.known);
});

Deno.test("PeerBook.follow() follows once, however often it is shown", async () => {
  const { parts, book, moves } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  const shown = { chain: await links(parts, 0, 1), record: await record(parts, NEXT) };
  await book.follow(shown);
  assert(await book.follow(shown));
  assertEquals(moves.length, 1);
});

Deno.test("PeerBook.follow() follows again what the disk had no room for, and the old id stays refused", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  const shown = { chain: await links(parts, 0, 1), record: await record(parts, NEXT) };
  let isFull = true;
  book.alsoMoves(() => {
    if (isFull) throw new Error("No space left on device");
  });
  assertEquals(await refusal(() => book.follow(shown)), "overloaded");
  isFull = false;
  await book.follow(shown);
  await book.forget(OLD.id);
  const again = new PeerBook(parts, OWN.id);
  await again.load();
  for (const held of [book, again]) assertEquals(held.get(OLD.id)?.succession, shown.chain[0]);
});

Deno.test("PeerBook.follow() leaves a chain aside whose old id has no pin here", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const shown = { chain: await links(parts, 0, 1), record: await record(parts, NEXT) };
  assertEquals(await book.follow(shown), false, "nobody of that id");
  await book.take(await record(parts, OLD));
  assertEquals(await book.follow(shown), false, "an id without next");
  assertEquals(book.get(OLD.id)?.succession, null);
});

Deno.test("PeerBook.follow() refuses a key that is not the pinned one", async () => {
  const { parts, book, moves } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  const thief = LINE[5]!;
  const payload = { v: 3, iss: thief.id, old: OLD.id, iat: 1 };
  const chain = [signText(thief, payload, { typ: "openred-succession+jwt" })];
  const shown = { chain, record: await record(parts, thief) };
  assertEquals(await refusal(() => book.follow(shown)), "succession_refused");
  assertEquals([moves.length, book.get(thief.id)], [0, null]);
});

Deno.test("PeerBook.follow() refuses a later link that contradicts the one before", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  const chain = [...await links(parts, 0, 1), ...await links(parts, 2, 3)];
  const shown = { chain, record: await record(parts, LINE[3]!) };
  assertEquals(await refusal(() => book.follow(shown)), "succession_refused");
  const payload = { v: 3, iss: LINE[2]!.id, old: LINE[7]!.id, iat: 1 };
  const astray = signText(LINE[2]!, payload, { typ: "openred-succession+jwt" });
  const other = { chain: [chain[0]!, astray], record: await record(parts, LINE[2]!) };
  assertEquals(await refusal(() => book.follow(other)), "succession_refused", "of another id");
});

Deno.test("PeerBook.lastId() leads along all successions that were followed, restarts included", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  await book.follow({ chain: await links(parts, 0, 1), record: await record(parts, NEXT) });
  await book.follow({ chain: await links(parts, 1, 3), record: await record(parts, LINE[3]!) });
  const again = new PeerBook(parts, OWN.id);
  await again.load();
  for (const { lastId } of [book, again].map((held) => ({ lastId: held.lastId.bind(held) }))) {
    assertEquals([OLD, NEXT, LINE[3]!, LINE[5]!].map(({ id }) => lastId(id)), [
      LINE[3]!.id,
      LINE[3]!.id,
      LINE[3]!.id,
      LINE[5]!.id,
    ]);
  }
});

Deno.test("PeerBook.follow() refuses an id that would follow itself", async () => {
  const { parts, book, moves } = await setUp();
  using _ = parts;
  await book.take(await record(parts, OLD, { next: await hashOf(parts, OLD) }));
  const payload = { v: 3, iss: OLD.id, old: OLD.id, iat: 1 };
  const chain = [signText(OLD, payload, { typ: "openred-succession+jwt" })];
  const shown = { chain, record: await record(parts, OLD) };
  assertEquals(await refusal(() => book.follow(shown)), "succession_refused");
  assertEquals([moves, book.get(OLD.id)?.succession], [[], null]);
});

Deno.test("PeerBook.lastId() ends where two ids follow each other", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await book.take(await record(parts, OLD, { next: await hashOf(parts, NEXT) }));
  await book.take(await record(parts, NEXT, { next: await hashOf(parts, OLD) }));
  const follow = async (old: TestIdentity, next: TestIdentity) => {
    const payload = { v: 3, iss: next.id, old: old.id, iat: 1 };
    const chain = [signText(next, payload, { typ: "openred-succession+jwt" })];
    return book.follow({ chain, record: await record(parts, next) });
  };
  await Promise.allSettled([follow(OLD, NEXT), follow(NEXT, OLD)]);
  assert([OLD.id, NEXT.id].includes(book.lastId(OLD.id)));
});

Deno.test("PeerBook.follow() refuses a record of somebody else, and a forged link", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await meetOld(parts, book);
  const chain = await links(parts, 0, 1);
  const other = await record(parts, LINE[4]!);
  assertEquals(await refusal(() => book.follow({ chain, record: other })), "succession_refused");
  const forged = [`${chain[0]!.slice(0, -8)}AAAAAAAA`];
  const shown = { chain: forged, record: await record(parts, NEXT) };
  assertEquals(await refusal(() => book.follow(shown)), "bad_signature");
});
