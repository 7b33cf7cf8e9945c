import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import type { CryptoCore } from "../../../crypto/interface.ts";
import type { NodeConfig } from "../../../peer/config.ts";
import { NODE_DEFAULTS } from "../../../protocol/node_settings.ts";
import { OwnRecord } from "../../../peer/own/own_record.ts";
import { HOUR_MS, MINUTE_MS, START_MS, TestParts } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

const CONFIG: NodeConfig = {
  ...NODE_DEFAULTS,
  version: "test",
  apiUrl: "https://node.example",
  adminToken: "token",
  pq: "off",
};

async function setUp(config: Partial<NodeConfig> = {}, parts?: TestParts) {
  const made = parts ?? await TestParts.create();
  const keys = await TestNodeKeys.create(made.crypto);
  await made.store.setSelf("node_id", keys.id);
  return { parts: made, keys, own: ownRecord(made, keys, config) };
}

function ownRecord(
  parts: TestParts,
  keys: TestNodeKeys,
  config: Partial<NodeConfig> = {},
  crypto: CryptoCore = parts.crypto,
): OwnRecord {
  return new OwnRecord({ ...parts, crypto }, { ...CONFIG, ...config }, {
    identity: keys.keys.identity,
    noiseKey: keys.noisePublic,
  });
}

async function seqOf(own: OwnRecord): Promise<number> {
  return (await own.current()).payload.seq;
}

Deno.test("OwnRecord signs the millisecond of the clock, for 24 hours", async () => {
  const { parts, own } = await setUp({ alias: "Ann", unlisted: true });
  using _ = parts;
  const { payload } = await own.current();
  assertEquals(payload.seq, START_MS);
  assertEquals(payload.iat, START_MS / 1000);
  assertEquals(payload.exp - payload.iat, 86_400);
  assertEquals([payload.alias, payload.unlisted, payload.gone], ["Ann", true, false]);
  assertEquals(payload.suites, ["ik-x25519"]);
});

Deno.test("OwnRecord stores each seq before it signs", async () => {
  const { parts, keys } = await setUp();
  using _ = parts;
  const stored: (string | null)[] = [];
  const crypto = new Proxy(parts.crypto, {
    get(target, key) {
      if (key === "signJws") stored.push(parts.store.self("signed_seq"));
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  await ownRecord(parts, keys, {}, crypto).current();
  assertEquals(stored, [String(START_MS)]);
});

Deno.test("OwnRecord uses the number above the taken one while the clock is behind it", async () => {
  for (const how of ["taken", "shown"] as const) {
    const { parts, keys, own } = await setUp();
    using _ = parts;
    await own[how](START_MS + 5);
    assertEquals(await seqOf(own), START_MS + 6, how);
    assertEquals(await seqOf(ownRecord(parts, keys)), START_MS + 6, "after a restart as well");
  }
});

Deno.test("OwnRecord never signs two texts under one seq in one millisecond", async () => {
  const { parts, own } = await setUp();
  using _ = parts;
  const first = await own.renew();
  const second = await own.renew();
  assertEquals(second.payload.seq, first.payload.seq + 1);
});

Deno.test("OwnRecord.renew() shares one record among calls that meet", async () => {
  const { parts, own } = await setUp();
  using _ = parts;
  const [first, second] = await Promise.all([own.renew(), own.above(START_MS - 1)]);
  assertStrictEquals(first, second);
});

Deno.test("OwnRecord comes back to the time when the clock ran ahead and is corrected", async () => {
  for (const aheadMs of [2 * MINUTE_MS + 1, 2 * HOUR_MS]) {
    const { parts, own } = await setUp();
    using _ = parts;
    parts.clock.offsetMs += aheadMs;
    assertEquals(await seqOf(own), START_MS + aheadMs);
    await own.shown(START_MS + aheadMs);
    parts.clock.offsetMs -= aheadMs;
    assertEquals(await seqOf(own), START_MS, "nobody took what was ahead");
  }
});

Deno.test("OwnRecord stays above what was taken while the clock ran ahead", async () => {
  const { parts, own } = await setUp();
  using _ = parts;
  parts.clock.offsetMs += 2 * HOUR_MS;
  await own.taken(await seqOf(own));
  parts.clock.offsetMs -= 2 * HOUR_MS;
  assertEquals(await seqOf(own), START_MS + 2 * HOUR_MS);
  assertEquals((await own.renew()).payload.seq, START_MS + 2 * HOUR_MS + 1);
});

Deno.test("OwnRecord comes back to the time when a directory finds ahead what was taken, and only then", async () => {
  const { parts, own } = await setUp();
  using _ = parts;
  const aheadSeq = START_MS + 2 * HOUR_MS;
  await own.taken(aheadSeq);
  own.refused("clock_ahead");
  assertEquals(await seqOf(own), START_MS, "both clocks say that it was ahead");
  await own.taken(START_MS);
  assertEquals(parts.store.self("taken_seq"), String(START_MS));
  await own.taken(aheadSeq);
  own.refused("seq_behind");
  assertEquals((await own.renew()).payload.seq, aheadSeq + 1, "this clock alone is behind");
  own.refused("clock_ahead");
  parts.clock.skip(2 * HOUR_MS - 2 * MINUTE_MS);
  assertEquals((await own.renew()).payload.seq, aheadSeq + 2, "what is ahead no more counts");
});

Deno.test("OwnRecord signs anew after six hours, not before", async () => {
  const { parts, own } = await setUp();
  using _ = parts;
  const first = await own.current();
  parts.clock.skip(6 * HOUR_MS);
  assertStrictEquals(await own.current(), first);
  parts.clock.skip(MINUTE_MS);
  assertEquals(await seqOf(own), START_MS + 6 * HOUR_MS + MINUTE_MS);
});

Deno.test("OwnRecord.above() keeps a record that is above already", async () => {
  const { parts, own } = await setUp();
  using _ = parts;
  const first = await own.current();
  assertStrictEquals(await own.above(START_MS - 1), first);
  assertEquals((await own.above(START_MS)).payload.seq, START_MS + 1);
});

Deno.test("OwnRecord.met() takes its own record, and stops at one it did not sign", async () => {
  const { parts, keys, own } = await setUp();
  using _ = parts;
  await own.current();
  assert(await own.met(await keys.record({ seq: START_MS })));
  assertEquals([parts.store.self("taken_seq"), own.usedElsewhere], [String(START_MS), false]);
  assert(!(await own.met(await keys.record({ seq: START_MS + 1 }))));
  assert(own.usedElsewhere);
  assertEquals(parts.log.audited("own_key_used_elsewhere"), 1);
  assertEquals(parts.events.warnings().length, 1);
  assertEquals(parts.store.self("taken_seq"), String(START_MS), "a thief spends no numbers");
  const again = ownRecord(parts, keys);
  assert(await again.met(await keys.record({ seq: START_MS + 1 })), "it was told of that one");
  assertEquals(parts.store.self("taken_seq"), String(START_MS), "nor does he later");
  assert(!(await again.met(await keys.record({ seq: START_MS + 2 }))));
});

Deno.test("OwnRecord.met() knows in one run what is between its own records, and after a restart below them", async () => {
  const { parts, keys, own } = await setUp();
  using _ = parts;
  await own.current();
  const run = ownRecord(parts, keys);
  parts.clock.skip(MINUTE_MS);
  const signed = [await run.renew(), await run.renew(), await run.renew()];
  parts.clock.skip(MINUTE_MS);
  for (const record of signed) assert(await run.met(record));
  await run.renew();
  const between = await keys.record({ seq: START_MS + MINUTE_MS + 1_000 });
  assert(await ownRecord(parts, keys).met(between));
  assert(!(await run.met(between)));
});

Deno.test("OwnRecord.met() tells no record from those of so long a run that it forgot them", async () => {
  const { parts, keys, own } = await setUp();
  using _ = parts;
  await own.current();
  const run = ownRecord(parts, keys);
  parts.clock.skip(MINUTE_MS);
  const first = await run.renew();
  for (let count = 0; count < 1_001; count++) await run.renew();
  assert(await run.met(first));
});

Deno.test("OwnRecord.met() takes any record for its own where nothing is remembered, and goes on above it", async () => {
  const { parts, keys, own } = await setUp();
  using _ = parts;
  for (const seq of [START_MS + 5, START_MS + 7]) assert(await own.met(await keys.record({ seq })));
  assertEquals(await seqOf(own), START_MS + 8);
  assert(!(await own.met(await keys.record({ seq: START_MS + 9 }))));
});

Deno.test("OwnRecord.met() takes over for good what it may have signed before its data was set back", async () => {
  const { parts, keys, own } = await setUp();
  using _ = parts;
  const later = await keys.record({ seq: START_MS + 5 });
  assert(await own.met(later, { mayBeForgotten: true }));
  assertEquals(parts.log.audited("own_past_adopted"), 1);
  assert(await ownRecord(parts, keys).met(later), "after a restart as well");
});

Deno.test("OwnRecord.freshSuites() remembers what a record lists that has not expired", async () => {
  const { parts, keys, own } = await setUp({ pq: "prefer" });
  using _ = parts;
  await own.current();
  parts.reopen();
  const changed = ownRecord(parts, keys, { pq: "off" });
  parts.clock.skip(HOUR_MS);
  await changed.current();
  const both = ["ik-x25519-mlkem768", "ik-x25519"];
  assertEquals(changed.freshSuites(), [both, ["ik-x25519"]]);
  parts.clock.skip(23 * HOUR_MS + 2 * MINUTE_MS);
  assertEquals(changed.freshSuites().length, 2, "24 hours and the allowance of two minutes");
  parts.clock.skip(1);
  assertEquals(changed.freshSuites(), [["ik-x25519"]]);
});

Deno.test("OwnRecord signs nothing when its seq cannot be stored", async () => {
  const { parts, own } = await setUp();
  using _ = parts;
  parts.fillDisk();
  const error = await own.renew().catch((error) => error);
  assertEquals(error.code, "overloaded");
  parts.freeDisk();
  assertEquals(await seqOf(own), START_MS);
});

Deno.test("OwnRecord names the URL that it was told while it signed", async () => {
  const { parts, keys } = await setUp();
  using _ = parts;
  const moved = "https://relay.example/r/x";
  const crypto = new Proxy(parts.crypto, {
    get(target, key) {
      if (key === "signJws") own.setApiUrl(moved);
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const own: OwnRecord = ownRecord(parts, keys, {}, crypto);
  assertEquals((await own.current()).payload.api_url, moved);
  assertEquals(own.apiUrl, moved);
});
