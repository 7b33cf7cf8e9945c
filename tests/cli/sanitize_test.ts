import { assertEquals } from "@std/assert";
import { safeJson, sanitizeLine } from "../../cli/sanitize.ts";

Deno.test("sanitizeLine() keeps the joiners of Persian, of Indian scripts and of emoji", () => {
  const texts = ["می\u200cخواهم", "क्\u200dष", "👩🏽\u200d🚀", "❤️\u200d🔥", "👨\u200d👩\u200d👧"];
  for (const text of texts) {
    assertEquals(sanitizeLine(text), text);
    assertEquals(JSON.parse(safeJson(text)), text);
  }
});

Deno.test("sanitizeLine() shows stray joiners and every other invisible character", () => {
  const cases: [string, string][] = [
    ["\u200dab\u200c", "�ab�"],
    ["a\u200d\u200db", "a��b"],
    ["a\u200c 1\u200d2", "a� 1�2"],
    ["a\u200bb\u200e\u200f\u202e\ufeff", "a�b����"],
    ["a\u0000\x1b\x7f\t", "a␀␛␡ "],
    ["\ud800", "�"],
  ];
  for (const [text, shown] of cases) assertEquals(sanitizeLine(text), shown);
});
