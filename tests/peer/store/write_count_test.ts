import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { OpenRedError } from "../../../protocol/errors.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { COUNT_FILE, type Tally, WriteCount } from "../../../peer/store/write_count.ts";
import { MemoryFiles } from "../../world/memory_files.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";
import { START_MS, TestParts } from "../parts.ts";

const NOTHING: Tally = { writes: 0, rows: {} };

function tally(writes: number): Tally {
  return { writes, rows: { came: 2 * writes, went: 3 * writes } };
}

function textOf(files: MemoryFiles): string {
  return new TextDecoder().decode(files.content.get(COUNT_FILE));
}

function countedLines(files: MemoryFiles): number[] {
  return textOf(files).split("\n").slice(1).map((line) => JSON.parse(line.slice(0, -9)).writes);
}

function createWorld() {
  const files = new MemoryFiles();
  const clock = new VirtualClock(START_MS);
  const open = (held: Tally) => WriteCount.open({ files, clock }, held);
  return { files, clock, open };
}

Deno.test("WriteCount finds what a database holds less than was counted, and since when", async () => {
  const { files, clock, open } = createWorld();
  const count = await open(NOTHING);
  assertEquals([count.shortfall, count.isMissing], [null, false]);
  for (const writes of [1, 2, 3]) {
    await count.note(tally(writes));
    await clock.advance(1_000);
  }
  assertEquals(countedLines(files), [1, 2, 3]);
  for (const held of [3, 4]) assertEquals((await open(tally(held))).shortfall, null);
  assertEquals((await open(tally(1))).shortfall, {
    counted: tally(3),
    missing: { writes: 2, rows: { came: 4, went: 6 } },
    sinceMs: START_MS,
    untilMs: START_MS + 2_000,
  });
  assertEquals((await open(NOTHING)).shortfall?.sinceMs, null);
});

Deno.test("WriteCount takes the last line that holds, whatever was changed or cut off", async () => {
  const { files, open } = createWorld();
  const count = await open(NOTHING);
  for (const writes of [1, 2]) await count.note(tally(writes));
  const whole = files.content.get(COUNT_FILE)!;
  const second = textOf(files).lastIndexOf("\n");
  for (let at = second; at < whole.length; at++) {
    const flipped = whole.slice();
    flipped[at]! ^= 1;
    for (const content of [flipped, whole.slice(0, at)]) {
      files.content.set(COUNT_FILE, content);
      // Without the newline both lines are one, and the file is as good as missing.
      const hasFirst = at > second || content.length === second;
      const { shortfall, isMissing } = await open({ ...NOTHING, writes: 1 });
      assertEquals([shortfall, isMissing], [null, !hasFirst]);
      if (hasFirst) assertEquals((await open(NOTHING)).shortfall?.counted, tally(1));
    }
  }
  files.content.set(COUNT_FILE, whole.slice(0, -1));
  const next = await open({ ...NOTHING, writes: 2 });
  await next.note(tally(3));
  assertEquals((await open(NOTHING)).shortfall?.counted, tally(3));
});

Deno.test("WriteCount.begin() makes a file that holds, of none or of a damaged one, and leaves a whole one", async () => {
  const { files, open } = createWorld();
  for (const content of [null, new Uint8Array([0x0a, 0x7b])]) {
    if (content !== null) files.content.set(COUNT_FILE, content);
    const count = await open(tally(2));
    await count.begin();
    assertEquals(countedLines(files), [2]);
    await count.note(tally(3));
    assertEquals(countedLines(files), [2, 3]);
    await (await open(tally(3))).begin();
    assertEquals(countedLines(files), [2, 3]);
  }
});

Deno.test("WriteCount keeps its file below 64 KiB, and the newer half of its lines", async () => {
  const { files, open } = createWorld();
  const count = await open(NOTHING);
  for (let writes = 1; writes <= 2_000; writes++) await count.note(tally(writes));
  assert(textOf(files).length <= 65_536);
  const lines = countedLines(files);
  assert(lines.length > 200);
  assertEquals(lines, Array.from(lines, (_, at) => 2_000 - lines.length + 1 + at));
});

Deno.test("WriteCount says when it cannot be written, and that it can again; nothing else fails", async () => {
  const { files, open } = createWorld();
  const count = await open(NOTHING);
  const told: (string | null)[] = [];
  count.onWrite((cause) => told.push(cause instanceof Error ? cause.message : null));
  files.isFull = true;
  await count.note(tally(1));
  files.isFull = false;
  await count.note(tally(2));
  assertEquals(told, ["No space left on device", null]);
  assertEquals((await open(NOTHING)).shortfall?.counted, tally(2));
});

Deno.test("a damaged or missing count of a database that was counted is told from a new one", async () => {
  const { files, open } = createWorld();
  assertEquals((await open(tally(1))).isMissing, true);
  files.content.set(COUNT_FILE, new Uint8Array([0xff, 0x0a, 0x7b]));
  assertEquals((await open(tally(1))).isMissing, true);
  assertEquals((await open(NOTHING)).isMissing, false);
});

Deno.test("NodeStore.write() ends only when the write is counted; those meanwhile share a line", async () => {
  using parts = await TestParts.create();
  const { store, files } = parts;
  store.countWith(await WriteCount.open(parts, store.tally()));
  const gate = Promise.withResolvers<void>();
  files.gate = gate.promise;
  let done = 0;
  const writes: Promise<number>[] = [];
  const write = async () => {
    writes.push(store.setSelf("a", "b").then(() => done += 1));
    await parts.clock.advance(1);
  };
  for (let i = 0; i < 4; i++) await write();
  assertEquals([store.self("a"), done], ["b", 0]);
  gate.resolve();
  await Promise.all(writes);
  assertEquals([countedLines(files), store.tally().writes], [[1, 4], 4]);
});

Deno.test("NodeStore counts no write that failed, and none before it is told to count", async () => {
  using parts = await TestParts.create();
  const { store } = parts;
  await store.setSelf("a", "b");
  assertEquals(store.tally(), NOTHING);
  store.countWith(await WriteCount.open(parts, store.tally()));
  const failing = store.write(() => {
    throw new Error("It cannot be");
  });
  const [failed] = await Promise.all([
    assertRejects(() => failing, OpenRedError),
    store.write(() => {
      store.statement(
        "INSERT INTO module_hooks (module, hook, peer) VALUES ('m', 'moved', 'p')",
      ).run();
    }),
  ]);
  assertEquals(failed.code, "overloaded");
  assertEquals(store.tally(), { writes: 1, rows: { module_hooks: 1 } });
});

Deno.test("NodeStore.writeTally() goes on after the numbers that were given before", async () => {
  const database = new DatabaseSync(":memory:");
  const store = new NodeStore(() => database, new VirtualClock(START_MS));
  const insert = () =>
    store.statement(
      "INSERT INTO module_hooks (module, hook, peer) VALUES ('m', 'moved', 'p')",
    ).run().lastInsertRowid;
  await store.write(() => void insert());
  await store.write(() => store.writeTally({ writes: 9, rows: { module_hooks: 40 } }));
  assertEquals(store.tally(), { writes: 9, rows: { module_hooks: 40 } });
  await store.write(() => assertEquals(Number(insert()), 41));
  await store.write(() => store.writeTally({ writes: 9, rows: { module_hooks: 1 } }));
  assertEquals(store.tally(), { writes: 9, rows: { module_hooks: 41 } });
  store.close();
});
