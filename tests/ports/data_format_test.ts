import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { isProgramFile } from "../../ports/data_names.ts";
import {
  DATA_FORMAT,
  type FormatOptions,
  noteFormat,
  settleFormat,
} from "../../ports/data_format.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MemoryFiles } from "../world/memory_files.ts";

const DAY_MS = 24 * 3_600_000;
const OPTIONS: FormatOptions = {
  tables: { "node.db": 7, messaging: 3 },
  files: ["node.db", "node.db-wal", "keystore"],
  nowMs: DAY_MS,
};

function filesOf(content: Readonly<Record<string, string>>): MemoryFiles {
  const files = new MemoryFiles();
  for (const [name, text] of Object.entries(content)) files.content.set(name, encodeUtf8(text));
  return files;
}

function contentOf(files: MemoryFiles): Record<string, string> {
  const names = [...files.content.keys()].sort();
  return Object.fromEntries(names.map((name) => [name, files.text(name)]));
}

async function notedIn(files: MemoryFiles): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode((await files.read("format"))!));
}

const note = (members: object) =>
  JSON.stringify({ format: DATA_FORMAT, copied_at: null, ...members });

Deno.test("noteFormat() notes the format of new data, of which settleFormat() copies and notes nothing", async () => {
  const files = new MemoryFiles();
  assertEquals(await settleFormat(files, OPTIONS), false);
  assertEquals([...files.content.keys()], []);
  await noteFormat(files, OPTIONS.tables);
  const noted = { format: DATA_FORMAT, tables: OPTIONS.tables, copied_at: null };
  assertEquals(await notedIn(files), noted);
  assertEquals([...files.content.keys()], ["format"]);
});

Deno.test("settleFormat() copies what has no note, or older tables, and then leaves the copy alone", async () => {
  const older = note({ tables: { "node.db": 6, messaging: 3 } });
  for (const before of [{}, { format: older }]) {
    const files = filesOf({
      ...before,
      "node.db": "d",
      "node.db-wal": "w",
      keystore: "k",
      own: "x",
    });
    assertEquals(await settleFormat(files, OPTIONS), true);
    files.content.set("node.db", encodeUtf8("changed"));
    assertEquals(await settleFormat(files, { ...OPTIONS, nowMs: 30 * DAY_MS }), false);
    const { format, ...rest } = contentOf(files);
    assertEquals(JSON.parse(format!).copied_at, DAY_MS);
    assertEquals(rest, {
      "before-upgrade-keystore": "k",
      "before-upgrade-node.db": "d",
      "before-upgrade-node.db-wal": "w",
      keystore: "k",
      "node.db": "changed",
      "node.db-wal": "w",
      own: "x",
    });
    assertEquals([...files.content.keys()].filter((name) => !isProgramFile(name)), ["own"]);
  }
});

Deno.test("settleFormat() replaces an earlier copy, and removes one after a month", async () => {
  const files = filesOf({ "node.db": "1", "node.db-wal": "w" });
  await settleFormat(files, OPTIONS);
  files.content.set("node.db", encodeUtf8("2"));
  files.content.delete("node.db-wal");
  const next = { ...OPTIONS, tables: { "node.db": 8, messaging: 3 } };
  await settleFormat(files, next);
  const copies = () =>
    [...files.content.keys()].filter((name) => name.startsWith("before-")).sort();
  assertEquals([copies(), files.text("before-upgrade-node.db")], [["before-upgrade-node.db"], "2"]);
  await settleFormat(files, { ...next, nowMs: 32 * DAY_MS });
  assertEquals(copies(), []);
  assertEquals((await notedIn(files) as { copied_at: unknown }).copied_at, null);
});

Deno.test("settleFormat() refuses newer data and a damaged note, and changes nothing", async () => {
  const cases = [
    [note({ format: DATA_FORMAT + 1, tables: {} }), "unsupported"],
    [note({ tables: { messaging: 4 } }), "unsupported"],
    ["{", "bad_request"],
    [note({ tables: { messaging: "4" } }), "bad_request"],
  ] as const;
  for (const [format, code] of cases) {
    const files = filesOf({ format, "node.db": "d" });
    const error = await assertRejects(() => settleFormat(files, OPTIONS), OpenRedError);
    assertEquals([error.code, contentOf(files)], [code, { format, "node.db": "d" }]);
  }
});

Deno.test("settleFormat() knows tables of which nothing is noted as new, and keeps notes of others", async () => {
  const files = filesOf({ format: note({ tables: { "node.db": 7, other: 9 } }), "node.db": "d" });
  assertEquals(await settleFormat(files, OPTIONS), false);
  await noteFormat(files, OPTIONS.tables);
  const noted = await notedIn(files);
  assertEquals(noted, {
    format: DATA_FORMAT,
    tables: { "node.db": 7, other: 9, messaging: 3 },
    copied_at: null,
  });
});
