import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import type { AuditLog } from "../../../peer/audit/audit_log.ts";
import { AuditWorld, linesOf, NEVER, setLines, settle } from "./audit_world.ts";
import { MortalFiles } from "./mortal_files.ts";

const FIRST = "audit-000001.jsonl";
const DAY_MS = 24 * 3_600_000;
const world = await AuditWorld.create();

Deno.test("a file that is large enough is followed by another, and the chain goes on", async () => {
  const files = await world.write(9, 3);
  assertEquals(files.logNames, [FIRST, "audit-000002.jsonl", "audit-000003.jsonl"]);
  const last = linesOf(files, FIRST).at(-1)!;
  const [, payload = ""] = linesOf(files, "audit-000002.jsonl")[0]!.split(".");
  const { previous, number } = JSON.parse(atob(payload));
  const hash = await world.core.sha256(new TextEncoder().encode(last));
  assertEquals([previous, number], [encodeBase64Url(hash), 4]);
});

Deno.test("a file that is old enough is followed by another, also after a restart", async () => {
  const files = new MortalFiles();
  const settings = { maxAgeMs: 2 * DAY_MS };
  const log = await world.open(files, settings);
  await log.record("a", { success: true });
  world.clock.wallMs += DAY_MS;
  await log.record("b", { success: true });
  assertEquals(files.logNames.length, 1);
  await log.stop();
  const again = await world.open(files, settings);
  world.clock.wallMs += DAY_MS;
  await again.record("c", { success: true });
  assertEquals(files.logNames.length, 2);
  assertEquals((await world.verify(files, again)).problem, null);
  await again.stop();
});

Deno.test("the oldest files go, and a signed statement says where the log begins", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 1, keepBytes: 6_000 });
  for (let at = 0; at < 30; at++) await world.fill(log, { from: at, to: at + 1 });
  await settle();
  const report = await world.verify(files, log);
  assertEquals(report.problem, null);
  assert(report.begins > 15, `begins with ${report.begins}`);
  const bytes = files.logNames.reduce((sum, name) => sum + files.content.get(name)!.length, 0);
  assert(bytes <= 8_000, `${bytes} bytes are left`);
  const kept = { number: 3, hash: encodeBase64Url(new Uint8Array(32)) };
  assertEquals((await world.verify(files, log, kept)).kept_head, "pruned");
  await log.stop();
  const again = await world.verifyChanged(files, () => {});
  assertEquals([again.problem, again.begins >= report.begins], [null, true]);
});

Deno.test("without its statement, or with an older one, a pruned log is one with lines removed", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 1, keepBytes: 6_000 });
  const statements: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < 30; at++) {
    await world.fill(log, { from: at, to: at + 1 });
    await settle();
    const statement = files.content.get("audit-begin");
    if (statement !== undefined) statements.push(statement);
  }
  await log.stop();
  const first = await world.verifyChanged(
    files,
    (changed) => changed.content.delete("audit-begin"),
  );
  assertEquals([first.problem?.kind, first.problem?.line], ["removed", 1]);
  const older = await world.verifyChanged(files, (changed) => {
    changed.content.set("audit-begin", statements[0]!);
  });
  assertEquals(older.problem?.kind, "removed");
  const broken = await world.verifyChanged(files, (changed) => {
    changed.content.get("audit-begin")![20]! ^= 1;
  });
  assertEquals(broken.problem?.kind, "begin");
});

async function prunedEntries(files: MortalFiles, log: AuditLog) {
  const query = { event: "audit_pruned", onlyFailed: false, limit: 100 };
  const { entries } = await world.reader(files, log).show(query, NEVER);
  return entries.map(({ success, begins, gaps }) => ({ success, begins, gaps }));
}

Deno.test("pruning goes on behind lines that were removed, and says for good which", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 2_500 });
  for (let at = 0; at < 20; at++) await world.fill(log, { from: at, to: at + 1 });
  await log.stop();
  const SECOND = "audit-000002.jsonl";
  const damages: [(lines: string[]) => string[], string][] = [
    [(lines) => lines.slice(1), "4-6"],
    [(lines) => lines.toSpliced(1, 1), "5-7"],
    [(lines) => lines.slice(0, -1), "7-9"],
    [(lines) => lines.with(0, lines[1]!).with(1, lines[0]!), "4-6 6-5 5-7"],
    [(lines) => [...lines, "junk"], "8-9"],
  ];
  for (const [damage, gaps] of damages) {
    const damaged = files.twin();
    setLines(damaged, SECOND, damage(linesOf(damaged, SECOND)));
    const again = await world.open(damaged, { keepBytes: 6_000 });
    await settle();
    await again.record("after", { success: true });
    const [entry] = await prunedEntries(damaged, again);
    assertEquals([entry?.success, entry?.gaps], [false, gaps]);
    assert(world.warnings.get("audit_gaps_pruned")?.endsWith(gaps));
    const report = await world.verify(damaged, again);
    assertEquals([report.problem, report.begins], [null, entry?.begins]);
    await again.stop();
  }
});

Deno.test("pruning begins a log with no line whose signature does not hold", async () => {
  const files = await world.write(20, 4);
  for (const name of files.logNames) {
    const [first = "", ...others] = linesOf(files, name);
    setLines(files, name, [first.replace(/.{8}$/, "AAAAAAAA"), ...others]);
  }
  const log = await world.open(files, { keepBytes: 6_000 });
  await log.stop();
  assert(world.warnings.has("audit_not_pruned"));
  assert(files.content.has(FIRST));
});

Deno.test("pruning a whole log tells of no gap", async () => {
  const files = await world.write(20, 4);
  const log = await world.open(files, { keepBytes: 6_000 });
  await settle();
  await log.record("after", { success: true });
  const [entry] = await prunedEntries(files, log);
  assertEquals([entry?.success, entry?.gaps], [true, undefined]);
  await log.stop();
});

async function settleOften(times: number): Promise<void> {
  for (let time = 0; time < times; time++) await settle();
}

function slowDown(files: MortalFiles, call: "read" | "append"): void {
  const fast = files[call].bind(files) as (...args: unknown[]) => Promise<unknown>;
  Object.assign(files, {
    [call]: async (...args: unknown[]) => {
      await settleOften(10);
      return await fast(...args);
    },
  });
}

Deno.test("verify() waits for a removal under way", async () => {
  const files = await world.write(20, 4);
  const gate = Promise.withResolvers<void>();
  const write = files.write.bind(files);
  files.write = async (name, content) => {
    if (name === "audit-begin") await gate.promise;
    await write(name, content);
  };
  const log = await world.open(files, { keepBytes: 6_000 });
  await settleOften(5);
  slowDown(files, "read");
  const verifying = world.verify(files, log);
  await settleOften(50);
  gate.resolve();
  const report = await verifying;
  assertEquals(report.problem, null);
  assert(report.begins > 1);
  await log.stop();
});

Deno.test("nothing is removed while somebody reads, however often another one says that he is done", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 1, keepBytes: 6_000 });
  const [other, release] = [await log.hold(), await log.hold()];
  other();
  other();
  for (let at = 0; at < 20; at++) await world.fill(log, { from: at, to: at + 1 });
  await settleOften(5);
  assert(files.content.has(FIRST));
  release();
  await log.record("rotates", { success: true });
  await log.stop();
  assert(!files.content.has(FIRST));
});

Deno.test("an entry of any size is cut to one that the core takes", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  const texts = Object.fromEntries(
    Array.from({ length: 20 }, (_, at) => [`${at}`.padEnd(100, "n"), "x".repeat(1_000)]),
  );
  await log.record("e".repeat(100), { success: false, ...texts });
  const { entries } = await world.reader(files, log).show({ onlyFailed: true, limit: 1 }, NEVER);
  const { event, number: _, timestamp: __, node_id: ___, success: ____, ...fields } = entries[0]!;
  assertEquals([event.length, Object.keys(fields).length], [64, 12]);
  for (const [name, text] of Object.entries(fields)) {
    assertEquals([name.length, String(text).length], [64, 256]);
  }
  await log.stop();
});

Deno.test("the log never begins behind what its head says", async () => {
  const files = await world.write(8, 4);
  const head = files.content.get("audit-head")!;
  const log = await world.open(files, { maxBytes: 1 });
  await log.record("behind the head", { success: true });
  await log.stop();
  files.content.set("audit-head", head);
  for (let dies = 1; dies < 8; dies++) {
    const mortal = files.twin();
    mortal.diesAt = dies;
    slowDown(mortal, "append");
    await world.open(mortal, { keepBytes: 1 });
    await settleOften(15);
    world.warnings.clear();
    const rest = mortal.twin();
    const again = await world.open(rest);
    assertEquals([...world.warnings], []);
    assertEquals((await world.verify(rest, again)).problem, null);
    await again.stop();
  }
});

Deno.test("a removal that a crash interrupted is finished at the next start", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 1, keepBytes: 6_000 });
  const all = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = 0; at < 20; at++) {
    await world.fill(log, { from: at, to: at + 1 });
    for (const name of files.logNames) all.set(name, files.content.get(name)!);
    await settle();
  }
  await log.stop();
  files.content.set(FIRST, all.get(FIRST)!);
  const again = await world.open(files);
  assertEquals((await world.verify(files, again)).problem, null);
  await settle();
  assert(!files.content.has(FIRST));
  await again.stop();
});

function countHeads(files: MortalFiles): () => number {
  let heads = 0;
  const write = files.write.bind(files);
  files.write = (name, content) => {
    if (name === "audit-head") heads += 1;
    return write(name, content);
  };
  return () => heads;
}

Deno.test("entries of one moment share a line, and with it a signature", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  const names = ["a", "b", "c"];
  await Promise.all(names.map((name) => log.record(name, { success: true })));
  await log.record("d", { success: true });
  assertEquals(linesOf(files, FIRST).length, 2);
  const { entries } = await world.reader(files, log).show({ onlyFailed: false, limit: 9 }, NEVER);
  assertEquals(
    entries.map(({ number, event }) => ({ number, event })),
    [...names, "d"].map((event, at) => ({ number: at + 1, event })),
  );
  const report = await world.verify(files, log);
  assertEquals([report.problem, report.lines, report.head.number], [null, 4, 4]);
  await log.stop();
});

Deno.test("the head is written once a second at most, and at the end", async () => {
  const files = new MortalFiles();
  const heads = countHeads(files);
  const log = await world.open(files);
  assertEquals(heads(), 1);
  await world.fill(log, { from: 0, to: 5 });
  assertEquals([heads(), log.durable.written?.number], [2, 1]);
  await world.clock.advance(1_000);
  assertEquals([heads(), log.durable.written?.number], [3, 5]);
  await world.clock.advance(5_000);
  assertEquals(heads(), 3);
  await world.fill(log, { from: 5, to: 7 });
  assertEquals([heads(), log.durable.written?.number], [4, 6]);
  await log.stop();
  assertEquals([heads(), log.durable.written?.number], [5, 7]);
  await world.clock.advance(5_000);
  assertEquals(heads(), 5);
});

/** Whether an entry is on disk after as much as promises take. */
async function isWritten(log: AuditLog, event: string): Promise<boolean> {
  const written = log.record(event, { success: true }).then(() => true);
  return await Promise.race([written, settle().then(settle).then(() => false)]);
}

Deno.test("the log goes on where a new file has had the head written before its time", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxAgeMs: 2 * DAY_MS });
  await world.fill(log, { from: 0, to: 2 });
  world.clock.wallMs += 3 * DAY_MS;
  await world.fill(log, { from: 2, to: 3 });
  assertEquals([files.logNames.length, log.durable.written?.number], [2, 3]);
  await world.clock.advance(2_000);
  assert(await isWritten(log, "later"));
  await log.stop();
});

Deno.test("the log and its head go on where a timer is early by a part of a millisecond", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  const { setTimer } = world.clock;
  world.clock.setTimer = (ms, callback) =>
    setTimer.call(world.clock, Math.max(0, ms - 0.5), callback);
  try {
    await world.fill(log, { from: 0, to: 2 });
    await world.clock.advance(999.5);
    assert(await isWritten(log, "later"));
    await world.clock.advance(2);
    assertEquals(log.durable.written?.number, 3);
  } finally {
    world.clock.setTimer = setTimer;
  }
  await log.stop();
});

Deno.test("a head that the disk does not take is tried again, and nothing is refused for it", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  await world.fill(log, { from: 0, to: 2 });
  files.isFull = true;
  await world.clock.advance(1_500);
  assert(world.warnings.has("audit_waiting"));
  files.isFull = false;
  await world.clock.advance(5_000);
  assertEquals([log.durable.written?.number, world.warnings.has("audit_waiting")], [2, false]);
  await log.stop();
});

Deno.test("entries recorded at once, and by many, keep their order and are all there", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 20_000 });
  const work = Array.from({ length: 20 }, async (_, who) => {
    for (let at = 0; at < 20; at++) await log.record(`by_${who}`, { success: true, at });
  });
  await Promise.all(work);
  const { entries } = await world.reader(files, log).show(
    { onlyFailed: false, limit: 1_000 },
    NEVER,
  );
  assertEquals(entries.length, 400);
  for (let who = 0; who < 20; who++) {
    const own = entries.filter((entry) => entry.event === `by_${who}`).map((entry) => entry.at);
    assertEquals(own, Array.from({ length: 20 }, (_, at) => at));
  }
  assertEquals((await world.verify(files, log)).problem, null);
  await log.stop();
});

const SOMEBODY = { peer: null, isDecided: false };

Deno.test("strangers cannot wash the log out: many of their events become one", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  for (let at = 0; at < 500; at++) {
    void log.recordThrottled("handshake_refused", { success: false }, SOMEBODY);
  }
  await world.clock.advance(3_601_000);
  const query = { event: "handshake_refused", onlyFailed: true, limit: 1_000 };
  const { entries } = await world.reader(files, log).show(query, NEVER);
  assertEquals(entries.length, 31);
  assertEquals(entries.at(-1)?.repeated, 470);
  for (let at = 0; at < 35; at++) {
    void log.recordThrottled("handshake_refused", { success: false }, SOMEBODY);
  }
  await log.stop();
  const again = await world.open(files);
  const { entries: all } = await world.reader(files, again).show(query, NEVER);
  assertEquals([all.length, all.at(-1)?.repeated], [62, 5], "a stop ends the hour");
  await again.stop();
});

Deno.test("what peers cause waits for company, unless somebody waits for an entry, or the log ends", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  const lines = () => files.content.get(FIRST) === undefined ? 0 : linesOf(files, FIRST).length;
  const cause = { peer: "friend", isDecided: true };
  const causeTwo = async () => {
    void log.recordThrottled("token_validated", { success: true }, cause);
    await settle();
    void log.recordThrottled("handshake", { success: true }, cause);
    await settle();
  };
  await causeTwo();
  assertEquals(lines(), 0);
  await world.clock.advance(250);
  assertEquals([lines(), log.durable.position.number], [1, 2]);
  await causeTwo();
  await log.record("asked", { success: true });
  assertEquals([lines(), log.durable.position.number], [2, 5]);
  await causeTwo();
  await log.stop();
  assertEquals([lines(), log.durable.position.number], [3, 7]);
});

Deno.test("each peer has a share of the log an hour, a stranger two entries of a kind", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  const record = (peer: string, isDecided: boolean, times: number) => {
    for (let at = 0; at < times; at++) {
      void log.recordThrottled("session", { success: true }, { peer, isDecided });
    }
  };
  record("stranger", false, 100);
  record("friend", true, 100);
  record("other", false, 1);
  await world.clock.advance(3_601_000);
  const query = { event: "session", onlyFailed: false, limit: 1_000 };
  const { entries } = await world.reader(files, log).show(query, NEVER);
  assertEquals(entries.length, 2 + 60 + 1 + 1);
  assertEquals(entries.at(-1)?.repeated, 98 + 40);
  await log.stop();
});
