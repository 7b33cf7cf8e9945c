import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import type { CryptoCore } from "../../../crypto/interface.ts";
import { AuditLog } from "../../../peer/audit/audit_log.ts";
import { signHead } from "../../../peer/audit/statements.ts";
import { AUDIT_DEFAULTS, type AuditSettings } from "../../../protocol/node_settings.ts";
import { AuditWorld, linesOf, NEVER, setLines, settle } from "./audit_world.ts";
import { MortalFiles } from "./mortal_files.ts";

const FIRST = "audit-000001.jsonl";
const world = await AuditWorld.create();

async function eventsOf(files: MortalFiles): Promise<string[]> {
  const log = await world.open(files);
  await log.record("looked", { success: true });
  const query = { onlyFailed: false, limit: 1_000 };
  const { entries } = await world.reader(files, log).show(query, NEVER);
  assertEquals((await world.verify(files, log)).problem, null);
  await log.stop();
  return entries.map((entry) => entry.event);
}

Deno.test("AuditLog.open() goes on after lines that the head did not reach, and says so", async () => {
  const files = await world.write(3);
  const head = files.content.get("audit-head")!;
  const log = await world.open(files);
  await world.fill(log, { from: 3, to: 5 });
  await log.stop();
  files.content.set("audit-head", head);
  const events = await eventsOf(files);
  assertEquals(events.slice(5), ["audit_recovered", "looked"]);
});

/** A log of six lines whose process died within a second of the first: its head says that it has one. */
async function dieWithinTheSecond(): Promise<MortalFiles> {
  const files = new MortalFiles();
  const log = await world.open(files);
  await world.fill(log, { from: 0, to: 6 });
  const rest = files.twin();
  rest.noted = files.noted;
  await log.stop();
  return rest;
}

Deno.test("a process that dies within a second of its head loses no line", async () => {
  const files = await dieWithinTheSecond();
  const log = await world.open(files);
  assertEquals(log.durable.position.number, 6);
  await log.record("looked", { success: true });
  const report = await world.verify(files, log);
  assertEquals([report.problem, report.head.number], [null, 8]);
  await log.stop();
});

Deno.test("lines of that second that were cut off are missed if the database wrote anything since", async () => {
  for (const hasWritten of [true, false]) {
    const files = await dieWithinTheSecond();
    setLines(files, FIRST, linesOf(files, FIRST).slice(0, 3));
    if (hasWritten) files.mark = files.noted;
    world.warnings.clear();
    const log = await world.open(files);
    assertEquals(world.warnings.has("audit_tail_missing"), hasWritten);
    await log.record("looked", { success: true });
    const { problem } = await world.verify(files, log);
    assertEquals(problem?.kind, hasWritten ? "removed" : undefined);
    await log.stop();
  }
});

Deno.test("AuditLog.open() cuts off a torn last line, and says so", async () => {
  const files = await world.write(3);
  const whole = files.content.get(FIRST)!;
  files.content.set(FIRST, new Uint8Array([...whole, ...whole.slice(0, 100)]));
  const events = await eventsOf(files);
  assertEquals(events.slice(3), ["audit_torn", "looked"]);
  assertEquals(linesOf(files, FIRST).length, 4);
});

Deno.test("AuditLog.open() cuts off a torn first line of a new file", async () => {
  const files = await world.write(4, 2);
  const third = "audit-000003.jsonl";
  files.content.set(third, files.content.get(FIRST)!.slice(0, 50));
  assertEquals((await eventsOf(files)).slice(4), ["audit_torn", "looked"]);
  assertEquals(linesOf(files, third).length, 1);
});

Deno.test("AuditLog.open() leaves a log whose tail is missing as it is, warns and goes on", async () => {
  const files = await world.write(5);
  setLines(files, FIRST, linesOf(files, FIRST).slice(0, 3));
  const before = files.content.get(FIRST)!;
  const log = await world.open(files);
  await log.record("looked", { success: true });
  assert(world.warnings.has("audit_tail_missing"));
  assertEquals(files.content.get(FIRST), before);
  const { entries } = await world.reader(files, log)
    .show({ event: "audit_tail_missing", onlyFailed: true, limit: 5 }, NEVER);
  assertEquals(entries.map(({ number, success }) => ({ number, success })), [
    { number: 6, success: false },
  ]);
  await log.stop();
});

Deno.test("AuditLog.open() deletes nothing when the head is lost", async () => {
  for (const damage of [null, encodeUtf8("nothing")]) {
    const files = await world.write(3);
    if (damage === null) files.content.delete("audit-head");
    else files.content.set("audit-head", damage);
    files.content.set(FIRST, new Uint8Array([...files.content.get(FIRST)!, 0x41]));
    const before = files.content.get(FIRST);
    const log = await world.open(files);
    await log.record("looked", { success: true });
    assert(world.warnings.has("audit_head_lost"));
    assertEquals(files.content.get(FIRST), before);
    assertEquals(log.durable.position.number, 6);
    const { problem } = await world.verify(files, log);
    assertEquals(problem?.line, 4);
    await log.stop();
  }
});

Deno.test("what was acknowledged survives a death at any change, and the log verifies", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 30 }),
      fc.nat(4_000),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 12 }),
      async (diesAt, tornBytes, bursts) => {
        const files = new MortalFiles();
        Object.assign(files, { diesAt, tornBytes });
        const acknowledged: string[] = [];
        void (async () => {
          const log = await world.open(files, { maxBytes: 2_000, keepBytes: 6_000 });
          for (const [burst, size] of bursts.entries()) {
            const names = Array.from({ length: size }, (_, index) => `e${burst}.${index}`);
            await Promise.all(names.map(async (name) => {
              await log.record(name, { success: true });
              acknowledged.push(name);
            }));
          }
        })();
        for (let turn = 0; turn < 40; turn++) await settle();
        const rest = files.twin();
        const events = await eventsOf(rest);
        const first = events.find((event) => event.startsWith("e")) ?? "";
        const kept = acknowledged.slice(Math.max(0, acknowledged.indexOf(first)));
        assertEquals(events.filter((event) => kept.includes(event)), kept);
        assert(
          !events.some((event) => event === "audit_head_lost" || event === "audit_tail_missing"),
        );
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("a full disk breaks nothing: entries wait, a warning is shown, then all are there", async () => {
  await fillDisk({});
});

Deno.test("a full disk breaks nothing at the beginning of a new file either", async () => {
  await fillDisk({ maxBytes: 1 });
});

async function fillDisk(settings: Partial<AuditSettings>): Promise<void> {
  const files = new MortalFiles();
  const log = await world.open(files, settings);
  await log.record("before", { success: true });
  files.isFull = true;
  files.bytesBeforeFull = 70;
  const done: string[] = [];
  const waiting = ["a", "b", "c"].map(async (event) => {
    await log.record(event, { success: true });
    done.push(event);
  });
  await settle();
  await world.clock.advance(5_000);
  assertEquals(done, []);
  assert(world.warnings.has("audit_waiting"));
  assertEquals((await world.verify(files, log)).problem, null);
  files.isFull = false;
  await world.clock.advance(60_000);
  await Promise.all(waiting);
  assert(!world.warnings.has("audit_waiting"));
  const report = await world.verify(files, log);
  assertEquals([report.problem, report.lines], [null, 4]);
  await log.stop();
}

Deno.test("beyond the queue entries are refused, counted and told of afterwards", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  await log.record("before", { success: true });
  files.isFull = true;
  const results = Array.from(
    { length: 13_000 },
    () => log.record("flood", { success: true }).then(() => "kept", (error) => error.code),
  );
  await settle();
  files.isFull = false;
  await world.clock.advance(120_000);
  const refused = (await Promise.all(results)).filter((result) => result === "overloaded").length;
  assert(refused > 0);
  const query = { event: "audit_lost", onlyFailed: true, limit: 5 };
  const { entries } = await world.reader(files, log).show(query, NEVER);
  assertEquals(entries.reduce((sum, entry) => sum + Number(entry.lost), 0), refused);
  await log.stop();
});

Deno.test("AuditLog.stop() ends although the disk is full, and refuses what is not on it", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  files.isFull = true;
  const refused = log.record("late", { success: true }).catch((error) => error.code);
  await log.stop();
  assertEquals(await refused, "overloaded");
  const late = log.record("later", { success: true }).catch((error) => error.code);
  assertEquals(await late, "overloaded");
  files.isFull = false;
  assertEquals(await eventsOf(files), ["looked"]);
});

Deno.test("AuditLog.stop() writes what waits", async () => {
  const files = new MortalFiles();
  const log = await world.open(files);
  const entry = log.record("last", { success: true });
  await log.stop();
  await entry;
  assertEquals(decodeUtf8(files.content.get(FIRST)!).split("\n").length, 2);
});

Deno.test("AuditLog.open() does not go on after a line of another history", async () => {
  const files = await world.write(3);
  const [ours, other] = [files.twin(), files.twin()];
  for (const copy of [ours, other]) {
    const log = await world.open(copy);
    await world.fill(log, { from: 3, to: 5 });
    await log.stop();
  }
  const [, , , fourth = ""] = linesOf(ours, FIRST);
  const [, , , , fifth = ""] = linesOf(other, FIRST);
  setLines(files, FIRST, [...linesOf(files, FIRST), fourth, fifth]);
  const events = await eventsOf(files);
  assertEquals(events.slice(4), ["audit_recovered", "audit_torn", "looked"]);
});
/** Signing takes longer than finding out that the disk is full, as it does in the Worker. */
function slowlySigning(core: CryptoCore): CryptoCore {
  return new Proxy(core, {
    get(target, key) {
      if (key !== "auditLines") return Reflect.get(target, key, target).bind(target);
      return async (...args: Parameters<CryptoCore["auditLines"]>) => {
        await settle();
        return await target.auditLines(...args);
      };
    },
  });
}

Deno.test("AuditLog.stop() on a nearly full disk leaves a log that verifies", async () => {
  const files = new MortalFiles();
  const parts = { ...world.parts(files), crypto: slowlySigning(world.core) };
  const log = await AuditLog.open(parts, AUDIT_DEFAULTS);
  const before = log.record("before", { success: true });
  await settle();
  await settle();
  await before;
  files.freeBytes = 20_000;
  const entries = Array.from({ length: 1_500 }, () => log.record("waiting", { success: true }));
  for (let turn = 0; turn < 10; turn++) await settle();
  const results = Promise.allSettled([...entries, log.record("stopped", { success: true })]);
  await log.stop();
  assertEquals(new Set((await results).map(({ status }) => status)), new Set(["rejected"]));
  files.freeBytes = Infinity;
  assertEquals(await eventsOf(files), ["before", "looked"]);
});

Deno.test("AuditLog.open() notices that the log is gone, and verify() names it for good", async () => {
  const files = await world.write(5);
  files.content.clear();
  for (const starts of [1, 2]) {
    const log = await world.open(files);
    await log.record("looked", { success: true });
    const { problem, head } = await world.verify(files, log);
    assertEquals([problem?.kind, problem?.line], ["removed", 1]);
    assertEquals(head.number, 7 + starts);
    const query = { event: "audit_log_missing", onlyFailed: true, limit: 5 };
    const { entries } = await world.reader(files, log).show(query, NEVER);
    assertEquals(entries.map(({ number, line }) => ({ number, line })), [{ number: 7, line: 5 }]);
    await log.stop();
  }
});

Deno.test("AuditLog.open() does not begin before a beginning that is left of a log", async () => {
  const files = await world.write(20, 2);
  const pruning = await world.open(files, { keepBytes: 6_000 });
  await settle();
  await pruning.stop();
  files.mark = null;
  for (const name of [...files.logNames, "audit-head"]) files.content.delete(name);
  for (let starts = 0; starts < 2; starts++) {
    const log = await world.open(files);
    await log.record("looked", { success: true });
    await settle();
    assertEquals((await world.verify(files, log)).problem?.kind, "removed");
    assertEquals(files.logNames.length, 1);
    await log.stop();
  }
});

Deno.test("AuditLog.open() notices a log that was set back, with its head or without it", async () => {
  const older = await world.write(3);
  for (const isHeadLost of [false, true]) {
    const files = older.twin();
    files.mark = 8;
    if (isHeadLost) files.content.delete("audit-head");
    const log = await world.open(files);
    await log.record("looked", { success: true });
    const event = isHeadLost ? "audit_head_lost" : "audit_tail_missing";
    assert(world.warnings.has(event));
    const { problem } = await world.verify(files, log);
    assertEquals([problem?.kind, problem?.line], ["removed", 4]);
    assert(log.durable.position.number >= 10);
    await log.stop();
  }
});

Deno.test("AuditLog has the number of a line remembered at its start, each rotation and its end", async () => {
  const files = new MortalFiles();
  const log = await world.open(files, { maxBytes: 2_500 });
  assertEquals(files.mark, null);
  await log.record("first", { success: true });
  await settle();
  assertEquals(files.mark, 1);
  await world.fill(log, { from: 1, to: 4 });
  await settle();
  assertEquals(files.mark, 1);
  await world.fill(log, { from: 4, to: 6 });
  await settle();
  assertEquals([files.mark, files.noted, files.logNames.length], [5, 6, 2]);
  await log.record("last", { success: true });
  await log.stop();
  assertEquals(files.mark, 7);
});

Deno.test("a torn write is cut off although the disk takes nothing", async () => {
  const files = await world.write(3);
  const whole = files.content.get(FIRST)!;
  files.content.set(FIRST, new Uint8Array([...whole, ...whole.slice(0, 100)]));
  files.isFull = true;
  const log = await world.open(files);
  const waiting = log.record("waits", { success: true }).catch((error) => error.code);
  await settle();
  assertEquals(files.content.get(FIRST), whole);
  await log.stop();
  assertEquals(await waiting, "overloaded");
});

Deno.test("AuditLog.open() takes no line behind the head whose signature does not hold", async () => {
  const files = await world.write(3);
  const longer = files.twin();
  const log = await world.open(longer);
  await world.fill(log, { from: 3, to: 4 });
  await log.stop();
  const forged = linesOf(longer, FIRST)[3]!.replace(/.{8}$/, "AAAAAAAA");
  setLines(files, FIRST, [...linesOf(files, FIRST), forged]);
  assertEquals((await eventsOf(files)).slice(3), ["audit_torn", "looked"]);
});

Deno.test("AuditLog.open() takes no head that another identity has signed", async () => {
  const files = await world.write(5);
  setLines(files, FIRST, linesOf(files, FIRST).slice(0, 3));
  const hash = await world.core.sha256(encodeUtf8(linesOf(files, FIRST)[2]!));
  const bytes = files.content.get(FIRST)!.length;
  const from = { number: 3, hash: encodeBase64Url(hash), file: 1, bytes };
  const { core, keys } = await AuditWorld.create();
  const signer = { crypto: core, nodeId: keys.nodeId, identity: keys.identity };
  files.content.set("audit-head", new Uint8Array(await signHead(signer, from)));
  world.warnings.clear();
  const log = await world.open(files);
  assert(world.warnings.has("audit_head_lost"));
  await log.stop();
});

Deno.test("AuditLog writes to no file that lies behind the end of the log", async () => {
  const files = await world.write(1);
  const foreign = encodeUtf8("of somebody else\n");
  files.content.set("audit-000003.jsonl", foreign);
  const log = await world.open(files, { maxBytes: 1 });
  await log.record("second", { success: true });
  await log.record("third", { success: true });
  await log.stop();
  assertEquals(files.content.get("audit-000003.jsonl"), foreign);
});

Deno.test("AuditLog.stop() waits until its end is remembered, and lets no lower number be", async () => {
  const files = await world.write(3);
  const parts = world.parts(files);
  const marks = {
    ...parts.marks,
    write: async (nodeId: string, number: number) => {
      await settle();
      await parts.marks.write(nodeId, number);
    },
  };
  const log = await AuditLog.open({ ...parts, marks }, AUDIT_DEFAULTS);
  const last = log.record("last", { success: true });
  await log.stop();
  await last;
  assertEquals(files.mark, 4);
  Object.assign(files, { mark: 8, isFull: true });
  const setBack = await world.open(files);
  await setBack.stop();
  assertEquals(files.mark, 8);
});
