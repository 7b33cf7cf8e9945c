import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { signText } from "../protocol/signer.ts";
import { MemoryFiles } from "../world/memory_files.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { settle } from "../world/settle.ts";
import type { FakeNode } from "./fake_nodes.ts";
import { DAY_MS, LEASE_MS, MINUTE_MS, START_MS, TestDirectory } from "./test_directory.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * DAY_MS;

/** Lets a minute pass, and what is due in it happen. */
async function passMinute(test: TestDirectory): Promise<void> {
  test.clock.advance(MINUTE_MS);
  await settle();
}

/** Sets the wall clock for a minute, and back. */
async function passMinuteAt(test: TestDirectory, offsetMs: number): Promise<void> {
  test.clock.step(offsetMs);
  await passMinute(test);
  await passMinute(test);
  test.clock.step(-offsetMs);
  await passMinute(test);
}

async function statusOf(test: TestDirectory, { id }: FakeNode): Promise<string> {
  const { body } = await test.get(`/api/v3/nodes/${id}`);
  return body.code ?? body.status;
}

/** Registers a node that another one follows, whose keys a thief has. */
async function succeed(test: TestDirectory): Promise<{ old: FakeNode; heir: FakeNode }> {
  const [old, heir] = [test.node(1), test.node(2)];
  const next = createHash("sha256").update(heir.identity.publicKey).digest("base64url");
  await test.register(old.record({ next }));
  const payload = { v: 3, iss: heir.id, old: old.id, iat: START_MS / 1000 };
  const succession = signText(heir.identity, payload, { typ: "openred-succession+jwt" });
  assertEquals((await test.register(heir.record(), { succession })).status, 201);
  return { old, heir };
}

Deno.test("A directory that began with its clock ahead introduces nodes as soon as that is right", async () => {
  for (const aheadMs of [2 * HOUR_MS, YEAR_MS]) {
    const clock = new FakeClock(START_MS + aheadMs);
    await using test = await TestDirectory.start({ clock });
    clock.step(-aheadMs);
    await passMinute(test);
    const [a, b] = [test.node(1), test.node(2)];
    await test.register(a.record());
    await test.register(b.record());
    assertEquals((await test.connect(a, { target: b.id })).body.code, "proof_replayed");
    clock.advance(1_000);
    assertEquals((await test.connect(a, { target: b.id })).status, 200);
  }
});

Deno.test("A directory that restarts with its clock set right introduces nodes", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  try {
    const clock = new FakeClock(START_MS + 2 * HOUR_MS);
    const options = { database: path, files: new MemoryFiles(), clock };
    const first = await TestDirectory.start(options);
    const ahead = first.node(3);
    await first.register(ahead.record());
    await first.connect(ahead, { target: "nobody" });
    clock.advance(10 * MINUTE_MS);
    await settle();
    await first.stop();
    clock.step(-2 * HOUR_MS);
    await using test = await TestDirectory.start(options);
    const [a, b] = [test.node(1), test.node(2)];
    await test.register(a.record());
    await test.register(b.record());
    await test.connect(a, { target: b.id });
    clock.advance(1_000);
    assertEquals((await test.connect(a, { target: b.id })).status, 200);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("A used proof stays used while the clock is set back by minutes, and the directory goes on", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  await test.register(node.record());
  const body = JSON.stringify({ target: "nobody" });
  const header = test.proof(node, body);
  assertEquals((await test.connect(node, body, { header })).body.code, "bad_request");
  for (let minute = 0; minute < 5; minute++) await passMinute(test);
  test.clock.step(-5 * MINUTE_MS - 30_000);
  assertEquals((await test.connect(node, body, { header })).body.code, "proof_replayed");
  test.clock.advance(31_000);
  assertEquals((await test.connect(node, body)).body.code, "bad_request");
});

Deno.test("A minute at a wrong date takes nothing away", async () => {
  await using test = await TestDirectory.start();
  const { old, heir } = await succeed(test);
  const gone = test.node(3);
  await test.register(gone.record());
  test.clock.advance(1_000);
  const goneRecord = gone.gone();
  await test.register(goneRecord);
  const before = await test.store.find(heir.id);
  for (const offsetMs of [YEAR_MS, -YEAR_MS, 60 * YEAR_MS, -50 * YEAR_MS]) {
    await passMinuteAt(test, offsetMs);
    assertEquals(await statusOf(test, heir), "active", `${offsetMs}`);
    assertEquals(await statusOf(test, old), "succeeded");
    assertEquals(await statusOf(test, gone), "gone");
  }
  assertEquals(await test.store.find(heir.id), before);
  assertEquals((await test.get("/api/v3/health")).body.nodes, 1);
  // Who stole the former keys is refused, and so is a record from before the withdrawal.
  test.clock.advance(1_000);
  assertEquals((await test.register(old.record())).body.code, "succeeded");
  assertEquals((await test.register(gone.record({ seq: START_MS }))).body.code, "seq_behind");
});

Deno.test("A wrong date at the start, for hours, and back takes nothing away", async () => {
  await using test = await TestDirectory.start();
  const { old, heir } = await succeed(test);
  test.clock.step(YEAR_MS);
  for (let half = 0; half < 11; half++) {
    test.clock.advance(HOUR_MS / 2);
    await settle();
  }
  assertEquals(await statusOf(test, heir), "dormant");
  test.clock.step(-YEAR_MS);
  await passMinute(test);
  assertEquals([await statusOf(test, heir), await statusOf(test, old)], ["stale", "succeeded"]);
});

Deno.test("A steady clock forgets nodes at their time, and never a succession", async () => {
  await using test = await TestDirectory.start();
  const { old, heir } = await succeed(test);
  test.clock.advance(180 * DAY_MS + LEASE_MS + 1);
  await settle();
  assertEquals([await statusOf(test, heir), await statusOf(test, old)], [
    "node_unknown",
    "succeeded",
  ]);
  assertEquals((await test.register(old.record())).body.code, "succeeded");
  assertEquals((await test.register(heir.record())).status, 201);
});

Deno.test("A lease and a callback from a clock that was ahead hold no longer than others", async () => {
  await using test = await TestDirectory.start({ clock: new FakeClock(START_MS + YEAR_MS) });
  const [node, other] = [test.node(1), test.node(2)];
  await test.register(node.record());
  await test.register(other.record());
  test.clock.step(-YEAR_MS);
  await passMinute(test);
  assertEquals(await statusOf(test, node), "active");
  for (let hour = 0; hour < 7; hour++) {
    test.clock.advance(HOUR_MS);
    await settle();
  }
  const cut = (await test.get(`/api/v3/nodes/${node.id}`)).body;
  assert(cut.last_seen <= test.clock.nowMs(), `${cut.last_seen}`);
  test.clock.advance(LEASE_MS + 5 * MINUTE_MS);
  assertEquals(await statusOf(test, node), "stale");
});

Deno.test("A record that was taken while both clocks were ahead gives way to one of the right time", async () => {
  await using test = await TestDirectory.start({ clock: new FakeClock(START_MS + 2 * HOUR_MS) });
  const node = test.node(1);
  await test.register(node.record());
  test.clock.step(-2 * HOUR_MS);
  const calls = test.network.requests.length;
  assertEquals((await test.register(node.gone())).body.code, "seq_behind");
  assertEquals((await test.register(node.record())).status, 201);
  assertEquals(test.network.requests.length, calls + 1, "the last callback was ahead as well");
  const earlier = await test.register(node.record({ seq: START_MS - 1 }));
  assertEquals(earlier.body.code, "seq_behind", "once it is right, the order holds");
  test.clock.advance(1);
  assertEquals((await test.register(node.gone())).status, 201);
});

Deno.test("A record that is ahead, but within the allowance, gives way to none", async () => {
  const clock = new FakeClock(START_MS + 2 * MINUTE_MS + 999);
  await using test = await TestDirectory.start({ clock });
  const node = test.node(1);
  await test.register(node.record());
  test.clock.step(-2 * MINUTE_MS - 999);
  assertEquals((await test.register(node.record())).body.code, "seq_behind");
  test.clock.step(-1);
  assertEquals((await test.register(node.record())).status, 201);
});

Deno.test("Another URL, or an end of being gone, needs a callback before it takes the place of what was ahead", async () => {
  await using test = await TestDirectory.start({ clock: new FakeClock(START_MS + 2 * HOUR_MS) });
  const [moved, gone] = [test.node(1), test.node(2)];
  await test.register(moved.record());
  await test.register(gone.record());
  test.clock.advance(1);
  await test.register(gone.gone());
  test.clock.step(-2 * HOUR_MS);
  const api_url = "https://elsewhere.example";
  assertEquals((await test.register(moved.record({ api_url }))).body.code, "callback_failed");
  gone.identityChanges = { nonce: "x".repeat(22) };
  assertEquals((await test.register(gone.record())).body.code, "callback_failed");
  assertEquals([await statusOf(test, moved), await statusOf(test, gone)], ["active", "gone"]);
  gone.identityChanges = {};
  assertEquals((await test.register(gone.record())).status, 201);
});

Deno.test("A node is called back again where the last callback is noted ahead of the clock", async () => {
  await using test = await TestDirectory.start();
  const node = test.node(1);
  await test.register(node.record());
  const { entry } = await test.store.find(node.id);
  const calledBackAt = START_MS + YEAR_MS;
  const ahead = { ...entry!, seq: entry!.seq + 1, text: "a.b.c", calledBackAt };
  await test.store.put({ entry: ahead, next: null, succession: null });
  const calls = test.network.requests.length;
  assertEquals((await test.registerNew(node)).status, 201);
  assertEquals(test.network.requests.length, calls + 1);
});
