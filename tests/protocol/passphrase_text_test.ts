import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { canonicalPassphrase } from "../../protocol/passphrase_text.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);

function utf16(text: string, isLittle: boolean): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at++) view.setUint16(2 * at, text.charCodeAt(at), isLittle);
  return bytes;
}

Deno.test("canonicalPassphrase() makes one passphrase of what its owner takes for the same", () => {
  const cases: [string, string][] = [
    ["correct horse", "correct horse"],
    ["correct horse\n", "correct horse"],
    ["correct horse\r\n", "correct horse"],
    ["correct horse\r\n\r\n", "correct horse"],
    ["correct horse\n\n\n", "correct horse"],
    ["\ufeffcorrect horse\r\n", "correct horse"],
    [" two  blanks ", " two  blanks "],
    ["cafe\u0301 wort acht", "caf\u00e9 wort acht"],
    ["\ufeffcafe\u0301\n", "caf\u00e9"],
    ["\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m"],
    ["vie\u0323\u0302t nam", "vi\u1ec7t nam"],
    ["\u1112\u1161\u11ab", "\ud55c"],
    ["correct\u00a0horse\u3000battery", "correct horse battery"],
    ["ＡＢＣ is not ABC", "ＡＢＣ is not ABC"],
    ["❤️‍🔥 👩🏽‍🚀 1️⃣", "❤️‍🔥 👩🏽‍🚀 1️⃣"],
    ["", ""],
    ["\ufeff\n", ""],
  ];
  for (const [given, expected] of cases) {
    assertEquals(decode(canonicalPassphrase(encode(given))), expected, JSON.stringify(given));
  }
});

Deno.test("canonicalPassphrase() refuses what another system would write otherwise", () => {
  const text = "pass wörd\r\n";
  const refused: [Uint8Array, string][] = [
    [utf16(`\ufeff${text}`, true), "UTF-16"],
    [utf16(`\ufeff${text}`, false), "UTF-16"],
    [utf16("password", true), "UTF-16"],
    [utf16("password", false), "UTF-16"],
    [encode("pass\0word"), "NUL"],
    [encode("password\0"), "NUL"],
    [new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x20, 0x77]), "no UTF-8"],
    [new Uint8Array([0xed, 0xa0, 0x80, 0x61]), "no UTF-8"],
    [encode("two\nlines"), "one line"],
    [encode("a\ttab"), "one line"],
    [encode("an\x1bescape"), "one line"],
    [encode("del\x7f"), "one line"],
    [encode("c1\u0085"), "cannot be seen"],
    [encode("pass\u200bword"), "cannot be seen"],
    [encode("password\u200e"), "cannot be seen"],
    [encode("pass\ufeffword"), "cannot be seen"],
    [encode("pass\u00adword"), "cannot be seen"],
  ];
  for (const [given, why] of refused) {
    const before = given.slice();
    const { message } = assertThrows(() => canonicalPassphrase(given), RangeError, why);
    assert(!/pass|caf|word/.test(message.replace("a passphrase is one line", "")), message);
    assertEquals(given, before);
  }
});

Deno.test("canonicalPassphrase() gives its own form back, in an array of its own", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const given = encode(text);
    let first: Uint8Array;
    try {
      first = canonicalPassphrase(given);
    } catch (error) {
      return assert(error instanceof RangeError);
    }
    assertEquals(canonicalPassphrase(first), first);
    assertEquals(canonicalPassphrase(encode(text.normalize("NFD"))), first);
    given.fill(0);
    assertEquals(canonicalPassphrase(encode(text)), first);
  }));
});
