import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { AuditWorld, linesOf, NEVER, setLines } from "./audit_world.ts";
import { MortalFiles } from "./mortal_files.ts";

const FIRST = "audit-000001.jsonl";
const SECOND = "audit-000002.jsonl";
const world = await AuditWorld.create();
/** Lines 1 to 6, in one file and in files of two. */
const single = await world.write(6);
const rotated = await world.write(6, 2);

type Change = (files: MortalFiles) => void;

function edit(name: string, change: (lines: string[]) => string[]): Change {
  return (files) => setLines(files, name, change(linesOf(files, name)));
}

/** Another line of the same length: a payload that nobody signed. */
function forge(line: string): string {
  const at = line.indexOf(".") + 40;
  return line.slice(0, at) + (line[at] === "A" ? "B" : "A") + line.slice(at + 1);
}

async function assertFound(
  written: MortalFiles,
  change: Change,
  expected: { kind: string; line: number | null },
): Promise<void> {
  const { problem } = await world.verifyChanged(written, change);
  assertEquals<unknown>({ kind: problem?.kind, line: problem?.line }, expected);
}

Deno.test("verify() finds nothing wrong with an untouched log", async () => {
  for (const written of [single, rotated]) {
    const report = await world.verifyChanged(written, () => {});
    assertEquals(report.problem, null);
    assertEquals([report.begins, report.lines, report.head.number], [1, 6, 6]);
    assertEquals(report.unreadable, 0);
  }
  assertEquals(rotated.logNames.length, 3);
});

Deno.test("verify() finds nothing wrong with an empty log", async () => {
  const report = await world.verifyChanged(await world.write(0), () => {});
  assertEquals([report.problem, report.lines], [null, 0]);
});

for (const number of [1, 3, 6]) {
  Deno.test(`verify() names line ${number} when it was changed`, async () => {
    const change = edit(FIRST, (lines) => lines.with(number - 1, forge(lines[number - 1]!)));
    await assertFound(single, change, { kind: "changed", line: number });
  });

  Deno.test(`verify() names line ${number} when it was removed`, async () => {
    const change = edit(FIRST, (lines) => lines.toSpliced(number - 1, 1));
    const kind = number === 6 ? "cut" : "removed";
    await assertFound(single, change, { kind, line: number });
  });
}

for (const number of [1, 3, 5]) {
  Deno.test(`verify() names line ${number} when it changed places with the next`, async () => {
    const change = edit(FIRST, (lines) => {
      const [a, b] = [lines[number - 1]!, lines[number]!];
      return lines.with(number - 1, b).with(number, a);
    });
    await assertFound(single, change, { kind: "reordered", line: number });
  });
}

Deno.test("verify() names lines of several entries by the first of them", async () => {
  const written = new MortalFiles();
  const log = await world.open(written);
  for (let moment = 0; moment < 3; moment++) {
    await Promise.all([1, 2, 3].map(() => log.record("together", { success: true })));
  }
  await log.stop();
  const forgeSecond = edit(FIRST, (lines) => lines.with(1, forge(lines[1]!)));
  await assertFound(written, forgeSecond, { kind: "changed", line: 4 });
  const removeSecond = edit(FIRST, (lines) => lines.toSpliced(1, 1));
  await assertFound(written, removeSecond, { kind: "removed", line: 4 });
  const swap = edit(FIRST, ([a, b, c]) => [b!, a!, c!]);
  await assertFound(written, swap, { kind: "reordered", line: 1 });
  const cut = edit(FIRST, (lines) => lines.slice(0, 2));
  await assertFound(written, cut, { kind: "cut", line: 7 });
});

Deno.test("verify() names a line that stands there twice", async () => {
  const change = edit(FIRST, (lines) => lines.toSpliced(3, 0, lines[1]!));
  await assertFound(single, change, { kind: "reordered", line: 4 });
});

Deno.test("verify() names the first line of a tail that was cut off", async () => {
  await assertFound(single, edit(FIRST, (lines) => lines.slice(0, 2)), { kind: "cut", line: 3 });
  const cutInLine: Change = (files) =>
    files.content.set(FIRST, files.content.get(FIRST)!.slice(0, -30));
  await assertFound(single, cutInLine, { kind: "cut", line: 6 });
});

Deno.test("verify() sees across rotated files", async () => {
  await assertFound(rotated, (files) => files.content.delete(SECOND), { kind: "removed", line: 3 });
  await assertFound(rotated, (files) => files.content.delete(FIRST), { kind: "removed", line: 1 });
  await assertFound(
    rotated,
    (files) => files.content.delete("audit-000003.jsonl"),
    { kind: "cut", line: 5 },
  );
  await assertFound(rotated, edit(SECOND, (lines) => lines.slice(1)), { kind: "removed", line: 3 });
  await assertFound(rotated, edit(FIRST, (lines) => lines.slice(0, 1)), {
    kind: "removed",
    line: 2,
  });
  await assertFound(rotated, (files) => {
    const first = files.content.get(FIRST)!;
    files.content.set(FIRST, files.content.get(SECOND)!);
    files.content.set(SECOND, first);
  }, { kind: "reordered", line: 1 });
});

Deno.test("verify() finds what was added after the last line", async () => {
  const change = edit(FIRST, (lines) => [...lines, "more"]);
  await assertFound(single, change, { kind: "changed", line: 7 });
});

Deno.test("verify() finds a head that was changed, rolled back or removed", async () => {
  const older = await world.write(3);
  const head = older.content.get("audit-head")!;
  const expected = { kind: "head", line: null };
  await assertFound(single, (files) => files.content.set("audit-head", head), expected);
  await assertFound(single, (files) => files.content.delete("audit-head"), expected);
});

Deno.test("verify() finds a tail cut off under a node that is down", async () => {
  const cut = edit(FIRST, (lines) => lines.slice(0, 3));
  const { problem, head } = await world.verifyAfterStart(single, cut);
  assertEquals([problem?.kind, problem?.line], ["removed", 4]);
  assertEquals(head.number, 8);
});

Deno.test("verify() finds a changed line of a node that was down", async () => {
  const change = edit(FIRST, (lines) => lines.with(1, forge(lines[1]!)));
  const { problem } = await world.verifyAfterStart(single, change);
  assertEquals([problem?.kind, problem?.line], ["changed", 2]);
});

Deno.test("a tail cut off with its head rolled back is seen by a head kept elsewhere only", async () => {
  const files = await world.write(3);
  const back = files.twin();
  const log = await world.open(files);
  await world.fill(log, { from: 3, to: 6 });
  const { number, hash } = log.durable.position;
  await log.stop();
  const older = await world.open(back);
  assertEquals((await world.verify(back, older)).problem, null);
  const seen = await world.verify(back, older, { number, hash });
  assertEquals(seen.kept_head, "differs");
  await world.fill(older, { from: 3, to: 9 });
  assertEquals((await world.verify(back, older, { number, hash })).kept_head, "differs");
  await older.stop();
  const again = await world.open(files);
  assertEquals((await world.verify(files, again, { number, hash })).kept_head, "matches");
  assertEquals((await world.verify(files, again, { number: 2, hash })).kept_head, "differs");
  await again.stop();
});

Deno.test("verify() names the line in whose place one of another history stands", async () => {
  const files = await world.write(3);
  const fork = files.twin();
  const [a, b] = [await world.open(files), await world.open(fork)];
  await world.fill(a, { from: 3, to: 6 });
  await world.fill(b, { from: 3, to: 6 });
  const other = linesOf(fork, FIRST)[3]!;
  setLines(files, FIRST, linesOf(files, FIRST).with(3, other));
  const { problem } = await world.verify(files, a);
  assertEquals([problem?.kind, problem?.line], ["changed", 4]);
  await Promise.all([a.stop(), b.stop()]);
});

Deno.test("verify() of another node's log finds every line changed", async () => {
  const stranger = await AuditWorld.create();
  const files = single.twin();
  const log = await stranger.open(files);
  await log.record("started", { success: true });
  const { problem } = await stranger.verify(files, log);
  assertEquals([problem?.kind, problem?.line], ["changed", 1]);
  await log.stop();
});

/** The number of the line that a byte of a file belongs to, its newline included. */
function lineAt(files: MortalFiles, name: string, at: number): number | null {
  if (!name.endsWith(".jsonl")) return null;
  let number = 1;
  for (const other of files.logNames) {
    const content = files.content.get(other)!;
    const end = other === name ? at : content.length;
    for (let i = 0; i < end; i++) if (content[i] === 0x0a) number += 1;
    if (other === name) return number;
  }
  return null;
}

Deno.test("verify() finds any single byte that was changed, and its line", async () => {
  const names = ["audit-head", ...rotated.logNames];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.nat(2 ** 20),
      fc.integer({ min: 1, max: 255 }),
      async (name, place, mask) => {
        const at = place % rotated.content.get(name)!.length;
        const { problem } = await world.verifyChanged(rotated, (files) => {
          files.content.get(name)![at]! ^= mask;
        });
        assertEquals(problem?.line, lineAt(rotated, name, at));
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("verify() ends when its signal fires", async () => {
  const files = single.twin();
  const log = await world.open(files);
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  const verifying = world.verifier(files, log)
    .verify({ kept: null, signal: stop.signal, progress: () => {} });
  assertEquals((await verifying.catch((error) => error)).message, "enough");
  await log.stop();
});

Deno.test("verify() tells how far it is, and holds while the log grows", async () => {
  const files = await world.write(600);
  const log = await world.open(files);
  const told: number[] = [];
  const progress = (checked: number) => void told.push(checked);
  const verifying = world.verifier(files, log).verify({ kept: null, signal: NEVER, progress });
  await world.fill(log, { from: 600, to: 700 });
  assertEquals((await verifying).problem, null);
  assertEquals(told.slice(0, 2), [256, 512]);
  assertEquals((await world.verify(files, log)).lines, 700);
  await log.stop();
});

Deno.test("verify() finds a tail that was put in place of another of the same length", async () => {
  const files = await world.write(3);
  const fork = files.twin();
  const [a, b] = [await world.open(files), await world.open(fork)];
  await world.fill(a, { from: 3, to: 6 });
  await world.fill(b, { from: 3, to: 6 });
  files.content.set(FIRST, fork.content.get(FIRST)!);
  const { problem } = await world.verify(files, a);
  assertEquals([problem?.kind, problem?.line], ["changed", 6]);
  await Promise.all([a.stop(), b.stop()]);
});
