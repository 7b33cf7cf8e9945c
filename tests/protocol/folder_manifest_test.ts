import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  decodeFolderManifest,
  encodeFolderManifest,
  sortEntries,
} from "../../protocol/folder_manifest.ts";

const ROOT = "A".repeat(43);

function manifestOf(...entries: readonly object[]): Uint8Array {
  const length = entries.reduce(
    (sum, entry) => sum + ((entry as { length?: number }).length ?? 0),
    0,
  );
  const head = { v: 1, length, ...(length === 0 ? {} : { root: ROOT }) };
  return encodeUtf8([head, ...entries].map((line) => `${JSON.stringify(line)}\n`).join(""));
}

function codeOf(bytes: Uint8Array): string {
  return assertThrows(() => decodeFolderManifest(bytes), OpenRedError).code;
}

Deno.test("a manifest comes back as it was made, in the order of the bytes of its paths", () => {
  const paths = ["b", "a/é", "a/\u{1f600}", "a/\uffee", "a!", "a/new\nline"];
  const entries = sortEntries(paths.map((path, at) => ({ path, length: at === 0 ? null : at })));
  assertEquals(entries.map(({ path }) => path), [
    "a!",
    "a/new\nline",
    "a/é",
    "a/\uffee",
    "a/\u{1f600}",
    "b",
  ]);
  const manifest = { length: 15, root: ROOT, entries };
  assertEquals(decodeFolderManifest(encodeFolderManifest(manifest)), manifest);
  const empty = { length: 0, root: null, entries: [] };
  assertEquals(decodeFolderManifest(encodeFolderManifest(empty)), empty);
});

const GOOD = { path: "a", length: 5 };

Deno.test("a manifest of another program is read", () => {
  const entries = [{ path: "a", length: 5 }, { path: "b", length: null }];
  const read = decodeFolderManifest(manifestOf({ ...GOOD, later: true }, { path: "b" }));
  assertEquals(read, { length: 5, root: ROOT, entries });
});

for (
  const [what, bytes] of [
    ["a path that leads up", manifestOf({ path: "../a", length: 5 })],
    ["a path that leads up from below", manifestOf({ path: "a/../../b", length: 5 })],
    ["an absolute path", manifestOf({ path: "/etc/passwd", length: 5 })],
    ["a path that ends in a slash", manifestOf({ path: "a/", length: 5 })],
    ["a path with an empty part", manifestOf({ path: "a//b", length: 5 })],
    ["a path with the part .", manifestOf({ path: "a/./b", length: 5 })],
    ["a path with a zero", manifestOf({ path: "a\0", length: 5 })],
    ["no path", manifestOf({ path: "", length: 5 })],
    ["a path that is too long", manifestOf({ path: "x".repeat(2_049), length: 5 })],
    ["a path that is too deep", manifestOf({ path: "x/".repeat(64) + "x", length: 5 })],
    ["a path twice", manifestOf(GOOD, GOOD)],
    ["a file below a file", manifestOf(GOOD, { path: "a/b", length: 5 })],
    ["a file far below a file", manifestOf(GOOD, { path: "a!", length: 1 }, { path: "a/b/c" })],
    [
      "a file below a folder said to be empty",
      manifestOf({ path: "a" }, { path: "a/b", length: 5 }),
    ],
    ["another order", manifestOf({ path: "b", length: 5 }, GOOD)],
    ["a length below zero", manifestOf({ path: "a", length: -1 })],
    ["another sum", encodeUtf8(`{"v":1,"length":6,"root":"${ROOT}"}\n{"path":"a","length":5}\n`)],
    ["no root", encodeUtf8('{"v":1,"length":5}\n{"path":"a","length":5}\n')],
    ["another version", encodeUtf8('{"v":2,"length":0}\n')],
    ["no end", manifestOf(GOOD).slice(0, -1)],
    ["nothing", new Uint8Array()],
    ["no UTF-8", Uint8Array.of(0xff, 10)],
    ["too many entries", encodeUtf8(`{"v":1,"length":0}\n${'{"path":"a"}\n'.repeat(100_001)}`)],
  ] as const
) {
  Deno.test(`a manifest with ${what} is refused`, () => assertEquals(codeOf(bytes), "bad_request"));
}

Deno.test("20,000 random manifests are read or refused", () => {
  const line = fc.oneof(
    fc.record({ path: fc.oneof(fc.string(), fc.anything()), length: fc.anything() }),
    fc.anything(),
  );
  for (const lines of fc.sample(fc.array(line, { maxLength: 4 }), { numRuns: 20_000, seed: 7 })) {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    try {
      decodeFolderManifest(encodeUtf8(`{"v":1,"length":0}\n${text}`));
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      assertEquals(error.code, "bad_request");
    }
  }
});
