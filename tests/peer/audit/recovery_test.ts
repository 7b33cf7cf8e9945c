import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../../crypto/encoding.ts";
import { AuditWorld, linesOf, NEVER, setLines, settle } from "./audit_world.ts";
import { MemoryFiles } from "./memory_files.ts";

const FIRST = "audit-000001.jsonl";
const world = await AuditWorld.create();

async function eventsOf(files: MemoryFiles): Promise<string[]> {
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

Deno.test("AuditLog.open() cuts off a torn last line, and says so", async () => {
  const files = await world.write(3);
  const whole = files.content.get(FIRST)!;
  files.content.set(FIRST, new Uint8Array([...whole, ...whole.slice(0, 100)]));
  const events = await eventsOf(files);
  assertEquals(events.slice(3), ["audit_torn", "looked"]);
  assertEquals(linesOf(files, FIRST).length, 5);
});

Deno.test("AuditLog.open() cuts off a torn first line of a new file", async () => {
  const files = await world.write(4, 2);
  const third = "audit-000003.jsonl";
  files.content.set(third, files.content.get(FIRST)!.slice(0, 50));
  assertEquals((await eventsOf(files)).slice(4), ["audit_torn", "looked"]);
  assertEquals(linesOf(files, third).length, 2);
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
    assertEquals(log.durable.position.number, 5);
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
        const files = new MemoryFiles();
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
        const rest = files.copy();
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
  const files = new MemoryFiles();
  const log = await world.open(files);
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
});

Deno.test("beyond the queue entries are refused, counted and told of afterwards", async () => {
  const files = new MemoryFiles();
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
  const files = new MemoryFiles();
  const log = await world.open(files);
  files.isFull = true;
  const refused = log.record("late", { success: true }).catch((error) => error.code);
  await log.stop();
  assertEquals(await refused, "overloaded");
  const late = log.record("later", { success: true }).catch((error) => error.code);
  assertEquals(await late, "overloaded");
});

Deno.test("AuditLog.stop() writes what waits", async () => {
  const files = new MemoryFiles();
  const log = await world.open(files);
  const entry = log.record("last", { success: true });
  await log.stop();
  await entry;
  assertEquals(decodeUtf8(files.content.get(FIRST)!).split("\n").length, 2);
});

Deno.test("AuditLog.open() does not go on after a line of another history", async () => {
  const files = await world.write(3);
  const [ours, other] = [files.copy(), files.copy()];
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
