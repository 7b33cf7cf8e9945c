import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { type VerifiedRecord, verifyRecord } from "../../../protocol/record.ts";
import { recordPayload, signText, testIdentity } from "../../protocol/signer.ts";
import { HOUR_MS, MINUTE_MS, START_MS, TestParts } from "../parts.ts";

const OWN = testIdentity(1);
const PEER = testIdentity(2);

async function setUp() {
  const parts = await TestParts.create();
  return { parts, book: new PeerBook(parts, OWN.id) };
}

function record(
  parts: TestParts,
  changes: Record<string, unknown> = {},
  identity = PEER,
): Promise<VerifiedRecord> {
  const iat = Math.floor(Number(changes.seq ?? START_MS) / 1000);
  const payload = recordPayload(identity, { seq: START_MS, iat, exp: iat + 86_400, ...changes });
  return verifyRecord(parts.crypto, signText(identity, payload, { typ: "openred-record+jwt" }));
}

async function reload(parts: TestParts): Promise<PeerBook> {
  parts.reopen();
  const book = new PeerBook(parts, OWN.id);
  await book.load();
  return book;
}

function codeOf(action: () => unknown): string {
  return assertThrows(action, OpenRedError).code;
}

Deno.test("PeerBook.take() keeps the higher seq for good, across a restart", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const newer = await record(parts, { seq: START_MS + 5 });
  await book.take(newer);
  await book.take(await record(parts));
  assertStrictEquals(book.get(PEER.id)?.record, newer);
  const again = await reload(parts);
  assertEquals((await again.take(await record(parts))).record.text, newer.text);
});

Deno.test("PeerBook lets the bytewise greater text win at equal seq, and audits each clash", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const texts = [await record(parts, { alias: "A" }), await record(parts, { alias: "B" })];
  const [less, greater] = texts.sort((a, b) => (a.text < b.text ? -1 : 1));
  await book.take(less!);
  assertStrictEquals((await book.take(greater!)).record, greater);
  assertEquals(parts.log.audited("record_clash"), 1);
  parts.clock.skip(MINUTE_MS);
  assertStrictEquals(book.judge(less!), greater);
  assertEquals(parts.log.audited("record_clash"), 2);
  book.judge(greater!);
  assertEquals(parts.log.audited("record_clash"), 2, "the same text is no clash");
});

Deno.test("PeerBook.judge() wants a stranger's record fresh, with 120 s of allowance", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const old = await record(parts, { seq: START_MS - 24 * HOUR_MS - 120_000 });
  assertStrictEquals(book.judge(old), old);
  const ahead = await record(parts, { seq: START_MS + 120_000 });
  assertStrictEquals(book.judge(ahead), ahead);
  parts.clock.skip(1);
  assertEquals(codeOf(() => book.judge(old)), "record_stale");
  parts.clock.offsetMs -= 2;
  assertEquals(codeOf(() => book.judge(ahead)), "clock_ahead");
});

Deno.test("PeerBook.judge() asks freshness of the record that counts, not of the one shown", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const brief = await record(parts, { seq: START_MS + 1, exp: START_MS / 1000 + 60 });
  await book.take(brief);
  parts.clock.skip(HOUR_MS);
  assertEquals(codeOf(() => book.judge(brief)), "record_stale");
  const older = await record(parts);
  assertEquals(codeOf(() => book.judge(older)), "record_stale");
});

Deno.test("PeerBook.judge() leaves a known peer's stale or ahead record aside, audited", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const held = await record(parts);
  await book.take(held);
  await book.setKnown(PEER.id);
  parts.clock.skip(48 * HOUR_MS);
  assertStrictEquals(book.judge(held), held, "the last record stays good at any age");
  const stale = await record(parts, { seq: START_MS + 1 });
  assertStrictEquals(book.judge(stale), held);
  parts.clock.skip(MINUTE_MS);
  const ahead = await record(parts, { seq: START_MS + 96 * HOUR_MS });
  assertStrictEquals(book.judge(ahead), held);
  assertEquals(parts.log.audited("clock_skew"), 2);
});

Deno.test("PeerBook takes gone at any age, and a higher seq brings the node back", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await book.take(await record(parts));
  parts.clock.skip(90 * 24 * HOUR_MS);
  const gone = await record(parts, { seq: START_MS + 1, gone: true, api_url: "" });
  assert((await book.take(gone)).record.payload.gone);
  const back = await record(parts, { seq: parts.clock.nowMs() });
  assert(!(await book.take(back)).record.payload.gone);
});

Deno.test("PeerBook audits and shows a known peer's new noise key", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const warnings: string[] = [];
  parts.events.subscribe((event) => event.type === "warning" && warnings.push(event.text));
  const noiseKey = (fill: number) => encodeBase64Url(new Uint8Array(32).fill(fill));
  await book.take(await record(parts));
  await book.take(await record(parts, { seq: START_MS + 1, noise_key: noiseKey(7) }));
  assertEquals([parts.log.audited("peer_key_changed"), warnings.length], [0, 0], "a stranger");
  await book.setKnown(PEER.id);
  await book.take(await record(parts, { seq: START_MS + 2, noise_key: noiseKey(8) }));
  assertEquals([parts.log.audited("peer_key_changed"), warnings.length], [1, 1]);
});

/** What a peer can cause as often as it likes, a few times more in two minutes. */
const WASHING: Readonly<Record<string, (book: PeerBook, parts: TestParts) => Promise<void>>> = {
  clock_skew: async (book, parts) => {
    const ahead = await record(parts, { seq: parts.clock.nowMs() + HOUR_MS });
    for (let time = 0; time < 300; time++) book.judge(ahead);
  },
  record_clash: async (book, parts) => {
    const { seq } = book.get(PEER.id)!.record.payload;
    for (let count = 0; count < 30; count++) {
      await book.take(await record(parts, { seq, alias: `${parts.clock.nowMs()} ${count}` }));
    }
  },
  peer_key_changed: async (book, parts) => {
    for (let count = 1; count <= 100; count++) {
      const noise_key = encodeBase64Url(new Uint8Array(32).fill(count));
      const { seq } = book.get(PEER.id)!.record.payload;
      await book.take(await record(parts, { seq: seq + 1, noise_key }));
    }
  },
};

for (const [event, wash] of Object.entries(WASHING)) {
  Deno.test(`PeerBook notes ${event} once a minute for each peer, so that none can wash the log out`, async () => {
    const { parts, book } = await setUp();
    using _ = parts;
    const warnings: string[] = [];
    parts.events.subscribe((event) => event.type === "warning" && warnings.push(event.text));
    await book.take(await record(parts));
    await book.setKnown(PEER.id);
    parts.clock.skip(MINUTE_MS);
    await wash(book, parts);
    assertEquals(parts.log.audited(event), 1);
    parts.clock.skip(MINUTE_MS - 1);
    await wash(book, parts);
    assertEquals(parts.log.audited(event), 1);
    parts.clock.skip(1);
    await wash(book, parts);
    const noted = parts.log.entries.filter((entry) => entry.event === event);
    assertEquals(noted.length, 2);
    assert(Number(noted[1]?.fields.repeated) > 50, "it says how often it was not noted");
    assertEquals(warnings.length, event === "peer_key_changed" ? 2 : 0);
  });
}

Deno.test("PeerBook pins the first next it sees, once", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const next = (fill: number) => new Uint8Array(32).fill(fill);
  await book.take(await record(parts));
  await book.take(await record(parts, { seq: START_MS + 1, next: encodeBase64Url(next(1)) }));
  await book.take(await record(parts, { seq: START_MS + 2, next: encodeBase64Url(next(2)) }));
  assertEquals(book.get(PEER.id)?.next, next(1));
  assertEquals((await reload(parts)).get(PEER.id)?.next, next(1));
});

Deno.test("PeerBook.load() reports a damaged row and loads the others", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await book.take(await record(parts));
  await book.take(await record(parts, {}, testIdentity(3)));
  parts.database.prepare("UPDATE peers SET record = 'x.y.z' WHERE id = ?").run(PEER.id);
  const again = await reload(parts);
  assertEquals(again.all().map((peer) => peer.id), [testIdentity(3).id]);
  assertEquals(parts.events.warnings(), [`The stored record of ${PEER.id} is damaged`]);
});

Deno.test("PeerBook writes on the next occasion what the disk had no room for", async () => {
  const occasions: ((book: PeerBook, shown: VerifiedRecord) => Promise<unknown>)[] = [
    (book) => book.setKnown(PEER.id),
    (book) => book.setRevoked(PEER.id, null),
    (book, shown) => book.take(shown),
  ];
  for (const occasion of occasions) {
    const { parts, book } = await setUp();
    using _ = parts;
    await book.take(await record(parts));
    parts.fillDisk();
    const newer = await record(parts, { seq: START_MS + 1 });
    const failure = await assertRejects(() => book.take(newer), OpenRedError);
    assertEquals(failure.code, "overloaded");
    await assertRejects(() => book.setKnown(PEER.id), OpenRedError);
    parts.freeDisk();
    await occasion(book, newer);
    const peer = (await reload(parts)).get(PEER.id);
    assertEquals([peer?.known, peer?.record.text], [true, newer.text]);
  }
});

Deno.test("PeerBook.forget() forgets who was only introduced, and nobody else", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const other = testIdentity(3);
  await book.take(await record(parts));
  await book.take(await record(parts, {}, other));
  await book.setKnown(other.id);
  await book.forget(PEER.id);
  await book.forget(other.id);
  assertEquals((await reload(parts)).all().map((peer) => peer.id), [other.id]);
});

Deno.test("PeerBook.take() refuses the own record, the caller's bug", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  const own = await record(parts, {}, OWN);
  await assertRejects(() => book.take(own), RangeError);
});

Deno.test("PeerBook.setRevoked() is stored until it is taken back, whatever else changes", async () => {
  const { parts, book } = await setUp();
  using _ = parts;
  await book.setRevoked(PEER.id, START_MS);
  assertEquals(book.get(PEER.id), null, "whom nobody met is not called anyway");
  await book.take(await record(parts));
  await book.setRevoked(PEER.id, START_MS + 5);
  await book.take(await record(parts, { seq: START_MS + 1 }));
  await book.setKnown(PEER.id);
  const again = await reload(parts);
  assertEquals(again.get(PEER.id)?.revokedAt, START_MS + 5);
  await again.setRevoked(PEER.id, null);
  assertEquals((await reload(parts)).get(PEER.id)?.revokedAt, null);
});
