import { assertEquals } from "@std/assert";
import { hasAllWords } from "../../cli/recovery_phrase.ts";
import { TypedKeys } from "../../ports/typed_keys.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function type(pieces: readonly string[], isWhole: (typed: Uint8Array) => boolean = () => true) {
  const keys = new TypedKeys(isWhole);
  const ends = pieces.map((piece) => keys.take(encode(piece)));
  return { ends, text: new TextDecoder().decode(keys.copy()) };
}

const LINES = Array.from({ length: 4 }, () => "  zoo zoo zoo zoo zoo zoo");

Deno.test("TypedKeys ends with the first line, and drops what was pasted behind it", () => {
  assertEquals(type(["pass", "word\rrm -rf x\r"]), { ends: [null, "ended"], text: "password" });
  assertEquals(type(["\r"]), { ends: ["ended"], text: "" });
});

Deno.test("TypedKeys takes the lines of a recovery phrase until all words are there", () => {
  for (const lineEnd of ["\r", "\n", "\r\n"]) {
    const { ends, text } = type([LINES.join(lineEnd) + lineEnd + "more"], hasAllWords);
    assertEquals([ends, text], [["ended"], LINES.join("\n")]);
  }
  assertEquals(type(["zoo zoo\r", "zoo\r", "\r"], hasAllWords), {
    ends: [null, null, "ended"],
    text: "zoo zoo\nzoo\n",
  });
});

Deno.test("TypedKeys gives up at Ctrl-C and Ctrl-D", () => {
  assertEquals(type(["half\x03"]).ends, ["given up"]);
  assertEquals(type(["half\x04"]).ends, ["given up"]);
});

Deno.test("TypedKeys removes whole characters, and refuses more than 1024 bytes", () => {
  assertEquals(type(["aé\x7f\x7fb\r"]).text, "b");
  assertEquals(type(["x".repeat(1024) + "\r"]).ends, ["ended"]);
  assertEquals(type(["x".repeat(1025) + "\r"]).ends, ["too long"]);
  assertEquals(type(["x".repeat(2000), "\x15pass\r"]), { ends: [null, "ended"], text: "pass" });
});

Deno.test("TypedKeys clears the line at Ctrl-U, and takes no arrow or function key for text", () => {
  assertEquals(type(["wrong\x15right\r"]).text, "right");
  assertEquals(type(["zoo zoo\rwrong\x15zoo\r\r"], hasAllWords).text, "zoo zoo\nzoo\n");
  const keys = ["\x1b[D", "\x1b[3~", "\x1b[1;5C", "\x1bOP", "\x1b[15~", "\x1b"];
  assertEquals(type([`a${keys.join("b")}c\r`]).text, "abbbbbc");
  assertEquals(type(["a\x1b", "[", "3", "~b\r"]).text, "ab");
  assertEquals(type(["\x1b[200~pasted[D\x1b[201~\r"]).text, "pasted[D");
  assertEquals(type(["a\x1b[\x03"]).ends, ["given up"]);
});

Deno.test("TypedKeys wipes what it holds", () => {
  const keys = new TypedKeys(() => true);
  keys.take(encode("secret"));
  keys.wipe();
  assertEquals(keys.copy().length, 0);
});
