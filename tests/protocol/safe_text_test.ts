import { assert, assertEquals } from "@std/assert";
import { safeJson, sanitizeLine } from "../../protocol/safe_text.ts";

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

/** Of all characters that Unicode knows. */
function* codePoints(): Generator<string> {
  for (let code = 0; code <= 0x10ffff; code++) yield String.fromCodePoint(code);
}

/** Signs that enclose the number behind them, the one kind of format character that is drawn. */
const DRAWN_FORMAT = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;

Deno.test("no character that is drawn as nothing, or moves what stands beside it, passes between letters", () => {
  const unsafe = /\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/u;
  const others = ["\u2800", "\u{1d159}", "\u{16fe4}"];
  let count = 0;
  for (const character of codePoints()) {
    const isMeant = others.includes(character) ||
      unsafe.test(character) && !DRAWN_FORMAT.test(character);
    const text = `a${character}b`;
    assertEquals(sanitizeLine(text) === text, !isMeant, character.codePointAt(0)!.toString(16));
    if (!isMeant) continue;
    count += 1;
    assertEquals(safeJson(text).includes(character), false);
    assertEquals(JSON.parse(safeJson(text)), text);
  }
  assert(count > 4_000);
});

Deno.test("sanitizeLine() shows what once passed: fillers, shy hyphens, vowels and selectors without a letter", () => {
  const passed =
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u3164\uffa0\ufe00\ufe0f\u{1d173}\u{e0100}";
  for (const character of passed) assertEquals(sanitizeLine(`a${character}b`), "a\ufffdb");
  assertEquals(sanitizeLine("⠓\u2800⠊"), "⠓ ⠊");
});

Deno.test("sanitizeLine() keeps emoji of every kind, and signs that enclose a number", () => {
  const texts = [
    ...["❤️", "❤︎", "1️⃣ #️⃣ *️⃣", "🏳️‍🌈", "🏴‍☠️", "👩‍❤️‍💋‍👨", "🧑🏿‍🤝‍🧑🏻", "🕵️‍♀️", "⛹🏽‍♂️", "🇳🇿", "👁️‍🗨️"],
    ...["\u06dd١٢", "\u0600١"],
  ];
  for (const text of texts) assertEquals(sanitizeLine(text), text);
});
