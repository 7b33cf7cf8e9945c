import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../../crypto/encoding.ts";
import { AuditWorld, linesOf, NEVER, PEER, setLines, settle } from "./audit_world.ts";
import { MemoryFiles } from "./memory_files.ts";

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
  const files = new MemoryFiles();
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
  const files = new MemoryFiles();
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
  const files = new MemoryFiles();
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

Deno.test("pruning does not make a removal look right", async () => {
  const files = new MemoryFiles();
  const log = await world.open(files, { maxBytes: 2_500 });
  for (let at = 0; at < 20; at++) await world.fill(log, { from: at, to: at + 1 });
  await log.stop();
  setLines(files, "audit-000002.jsonl", linesOf(files, "audit-000002.jsonl").slice(1));
  const count = files.logNames.length;
  const total = files.logNames.reduce((sum, name) => sum + files.content.get(name)!.length, 0);
  const again = await world.open(files, { maxBytes: 2_500, keepBytes: total - 1_000 });
  await settle();
  assertEquals(files.logNames.length, count);
  assert(world.warnings.has("audit_not_pruned"));
  await again.stop();
});

Deno.test("a removal that a crash interrupted is finished at the next start", async () => {
  const files = new MemoryFiles();
  const log = await world.open(files, { maxBytes: 1, keepBytes: 6_000 });
  const all = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let at = 0; at < 20; at++) {
    await world.fill(log, { from: at, to: at + 1 });
    for (const name of files.logNames) all.set(name, files.content.get(name)!);
    await settle();
  }
  await log.stop();
  files.content.set(FIRST, all.get(FIRST)!);
  const again = await world.open(files, { keepBytes: 6_000 });
  assertEquals((await world.verify(files, again)).problem, null);
  await settle();
  assert(!files.content.has(FIRST));
  await again.stop();
});

Deno.test("show() filters by event, peer, time and outcome", async () => {
  const files = new MemoryFiles();
  const log = await world.open(files, { maxBytes: 3_000 });
  const startMs = world.clock.wallMs;
  for (let at = 0; at < 12; at++) {
    world.clock.wallMs = startMs + at * 1_000;
    await world.fill(log, { from: at, to: at + 1 });
  }
  const reader = world.reader(files, log);
  const indices = async (query: Partial<Parameters<typeof reader.show>[0]>) => {
    const view = await reader.show({ onlyFailed: false, limit: 100, ...query }, NEVER);
    return view.entries.map((entry) => entry.index);
  };
  assertEquals(await indices({}), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assertEquals(await indices({ limit: 3 }), [9, 10, 11]);
  assertEquals(await indices({ event: "event_1", limit: 2 }), [9, 11]);
  assertEquals(await indices({ peer: PEER }), [0, 2, 4, 6, 8, 10]);
  assertEquals(await indices({ onlyFailed: true }), [0, 3, 6, 9]);
  assertEquals(await indices({ sinceMs: startMs + 3_000, untilMs: startMs + 5_000 }), [3, 4, 5]);
  assertEquals(await indices({ after: 4, limit: 3 }), [4, 5, 6]);
  assertEquals(await indices({ after: 12 }), []);
  const page = await reader.show({ onlyFailed: false, limit: 3, after: 4 }, NEVER);
  assertEquals(page.cursor, 7);
  await log.stop();
});

Deno.test("no file of the log holds a peer's id, an event or a plain hash of the id", async () => {
  const files = await world.write(4);
  const hash = encodeBase64Url(await world.core.sha256(new TextEncoder().encode(PEER)));
  const log = await world.open(files);
  for (const name of files.logNames) {
    for (const line of linesOf(files, name)) {
      const payload = atob(line.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"));
      for (const plain of [PEER, hash, "event_", "timestamp"]) assert(!payload.includes(plain));
    }
  }
  const { entries } = await world.reader(files, log).show({ onlyFailed: false, limit: 1 }, NEVER);
  assert(!JSON.stringify(entries).includes(PEER));
  assert(!JSON.stringify(entries).includes(hash));
  await log.stop();
});

Deno.test("export() gives all entries, or all lines as they are", async () => {
  const files = await world.write(600, 250);
  const log = await world.open(files);
  const texts: Record<string, string> = {};
  for (const raw of [false, true]) {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    const exported = world.reader(files, log).export({ raw, signal: NEVER });
    for await (const chunk of exported) chunks.push(new Uint8Array(chunk));
    texts[String(raw)] = await new Blob(chunks).text();
  }
  const entries = texts.false!.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(entries.map((entry) => entry.index), Array.from({ length: 600 }, (_, at) => at));
  assertEquals(
    texts.true!.trim().split("\n"),
    files.logNames.flatMap((name) => linesOf(files, name)),
  );
  await log.stop();
});

Deno.test("entries recorded at once, and by many, keep their order and are all there", async () => {
  const files = new MemoryFiles();
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

Deno.test("strangers cannot wash the log out: many of their events become one", async () => {
  const files = new MemoryFiles();
  const log = await world.open(files);
  for (let at = 0; at < 500; at++) {
    await log.recordThrottled("handshake_refused", { success: false });
  }
  await world.clock.advance(61_000);
  const query = { event: "handshake_refused", onlyFailed: true, limit: 1_000 };
  const { entries } = await world.reader(files, log).show(query, NEVER);
  assertEquals(entries.length, 21);
  assertEquals(entries.at(-1)?.repeated, 480);
  await log.stop();
});
