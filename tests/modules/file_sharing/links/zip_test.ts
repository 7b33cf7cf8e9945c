import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../../crypto/encoding.ts";
import { readList, zipEntries } from "../../../../modules/file_sharing/links/page/folder.js";
import { ZipWriter } from "../../../../modules/file_sharing/links/page/zip.js";
import { bep52Content } from "../../../vectors/bep52.ts";
import { readZip } from "./zip_reader.ts";

const MIB = 2 ** 20;

/** Zips the content of files, one behind the other, in pieces. */
async function zip(
  entries: ConstructorParameters<typeof ZipWriter>[0],
  content: Uint8Array,
  pieceBytes = MIB,
): Promise<Uint8Array> {
  const whole = new Uint8Array(content.length + 1_000 * entries.length + 1_000);
  let bytes = 0;
  const writer = new ZipWriter(entries, (piece, at) => {
    whole.set(piece, at);
    bytes = Math.max(bytes, at + piece.length);
  });
  for (let at = 0; at < content.length; at += pieceBytes) {
    await writer.take(content.subarray(at, at + pieceBytes));
  }
  await writer.finish();
  return whole.subarray(0, bytes);
}

Deno.test("a zip file has what was put into it, whatever lies across its pieces", async () => {
  const lengths = [0, 5, 3 * MIB + 7, 0, 1, MIB - 30, 2, 0];
  const entries = lengths.map((length, at) => ({ path: `é/${at}`, length, modifiedMs: 1e12 }));
  const all = [...entries, { path: "é/leer/", length: 0 }];
  const content = bep52Content(lengths.reduce((sum, length) => sum + length, 0));
  for (const pieceBytes of [MIB, 999_983]) {
    const read = readZip(await zip(all, content, pieceBytes));
    assertEquals(Object.keys(read), all.map(({ path }) => path));
    let at = 0;
    for (const { path, length } of entries) {
      assertEquals(read[path], content.subarray(at, at + length), path);
      at += length;
    }
  }
  assertEquals(readZip(await zip([], new Uint8Array())), {});
});

Deno.test("a zip file may have more entries than its old form can count", async () => {
  const entries = Array.from({ length: 65_536 }, (_, at) => ({ path: String(at), length: 1 }));
  const content = bep52Content(65_536);
  const read = readZip(await zip(entries, content));
  assertEquals(Object.keys(read).length, 65_536);
  assertEquals(read["65535"], content.subarray(65_535));
});

function lines(...entries: readonly object[]): Uint8Array {
  return encodeUtf8(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
}

Deno.test("the page takes the list of a folder only as the link's head promises it", () => {
  const root = "A".repeat(43);
  const head = { v: 1, length: 3, root };
  const promised = { length: 3, root, entries: 2 };
  const [a, b] = [{ path: "a", length: 1 }, { path: "b/c", length: 2 }];
  assertEquals(readList(lines(head, a, b), promised)?.length, 2);
  for (
    const [why, list] of [
      ["another root", lines({ ...head, root: "B".repeat(43) }, a, b)],
      ["another version", lines({ ...head, v: 2 }, a, b)],
      ["fewer entries", lines(head, { ...a, length: 3 })],
      ["another length", lines(head, a, { ...b, length: 3 })],
      ["a path twice", lines(head, a, { ...a, length: 2 })],
      ["something below a file", lines(head, a, { path: "a/c", length: 2 })],
      ["a way out", lines(head, a, { path: "../c", length: 2 })],
      ["an absolute path", lines(head, a, { path: "/c", length: 2 })],
      ["a negative length", lines(head, { path: "a", length: 4 }, { path: "c", length: -1 })],
      ["no path", lines(head, a, { length: 2 })],
      ["no end", lines(head, a, b).subarray(0, -1)],
      ["no UTF-8", new Uint8Array([...lines(head, a, b), 0xff, 10])],
    ] as const
  ) assertEquals(readList(list, promised), null, why);
});

Deno.test("names in a zip file are clean, and no two of a folder alike", () => {
  const names = (...paths: readonly string[]) =>
    zipEntries("..\\top\u202e", paths.map((path) => ({ path, length: 0 }))).map(({ path }) => path);
  assertEquals(
    names("CON", "con", "a:b/c", "a_b/c", "...x", "x", "\u202egpj.exe", "é", "e\u0301"),
    [
      "_top_/_CON",
      "_top_/_con (2)",
      "_top_/a_b/c",
      "_top_/a_b (2)/c",
      "_top_/x",
      "_top_/x (2)",
      "_top_/_gpj.exe",
      "_top_/é",
      "_top_/é (2)",
    ],
  );
  const [empty] = zipEntries("a", [{ path: "b", length: null, modifiedMs: 5 }]);
  assertEquals(empty, { path: "a/b/", length: 0, modifiedMs: 5 });
});
