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

Deno.test("TypedKeys removes whole characters, and holds no more than 1024 bytes", () => {
  assertEquals(type(["aé\x7f\x7fb\r"]).text, "b");
  assertEquals(type(["x".repeat(2000) + "\r"]).text.length, 1024);
});

Deno.test("TypedKeys wipes what it holds", () => {
  const keys = new TypedKeys(() => true);
  keys.take(encode("secret"));
  keys.wipe();
  assertEquals(keys.copy().length, 0);
});
