import { assertEquals } from "@std/assert";
import { localFolder } from "../../../modules/file_sharing/folder_paths.ts";
import { Spans } from "../../../modules/file_sharing/spans.ts";

/** Where files of these paths go. */
function localOf(...paths: readonly string[]): readonly string[] {
  const { files } = localFolder(paths.map((path) => ({ path, length: 1 })), {
    keepTimes: false,
  });
  return files.map(({ path }) => path.join("/"));
}

Deno.test("each part of a path gets a clean name", () => {
  assertEquals(
    localOf(
      "C:\\windows",
      "CON/nul.txt",
      "a\nb",
      "abc\u202etxt",
      ".git/config",
      "x ./y.",
      "x".repeat(300),
    ),
    ["C__windows", "_CON/_nul.txt", "a_b", "abc_txt", "git/config", "x/y", "x".repeat(240)],
  );
});

Deno.test("twins get numbers, in each folder for itself, and what is below stays together", () => {
  assertEquals(
    localOf("A", "a", "a ", "e\u0301", "\u00e9", "sub/A", "sub/a", "Sub/a", "sub /b", "sub /c"),
    [
      "A",
      "a (2)",
      "a (3)",
      "é",
      "é (2)",
      "sub/A",
      "sub/a (2)",
      "Sub (2)/a",
      "sub (3)/b",
      "sub (3)/c",
    ],
  );
  assertEquals(localOf("a (2)", "A", "a"), ["a (2)", "A", "a (3)"]);
});

Deno.test("100,000 twins get their numbers in time that grows with them", () => {
  const paths = Array.from(
    { length: 100_000 },
    (_, at) => `a${" ".repeat(1 + at % 200)}${".".repeat(at / 200)}`,
  );
  assertEquals(new Set(localOf(...new Set(paths))).size, 100_000);
});

Deno.test("a piece of a folder's content lies in the files that it touches", () => {
  const spans = new Spans([3, 0, 5, 0, 0, 2]);
  assertEquals(spans.bytes, 10);
  assertEquals(spans.of(0, 10), [
    { file: 0, at: 0, from: 0, length: 3 },
    { file: 2, at: 0, from: 3, length: 5 },
    { file: 5, at: 0, from: 8, length: 2 },
  ]);
  assertEquals(spans.of(4, 2), [{ file: 2, at: 1, from: 0, length: 2 }]);
  assertEquals(spans.of(3, 1), [{ file: 2, at: 0, from: 0, length: 1 }]);
  assertEquals(spans.of(8, 99), [{ file: 5, at: 0, from: 0, length: 2 }]);
  assertEquals(spans.of(10, 1), []);
});
