import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { cleanName, foldName, numberedName } from "../../../modules/file_sharing/file_names.ts";
import { anyCodePoint } from "../../world/any_code_point.ts";

for (
  const [given, clean] of [
    ["photo.jpg", "photo.jpg"],
    ["Ferienfotos 2026.tar.gz", "Ferienfotos 2026.tar.gz"],
    ["../../etc/passwd", "_.._etc_passwd"],
    ["/etc/passwd", "_etc_passwd"],
    ["C:\\Windows\\system.ini", "C__Windows_system.ini"],
    ["..", "file"],
    [".", "file"],
    ["...", "file"],
    ["   ", "file"],
    [".ssh", "ssh"],
    [" . .bashrc", "bashrc"],
    ["name. . ", "name"],
    ["CON", "_CON"],
    ["con.txt", "_con.txt"],
    ["LPT1 .log", "_LPT1 .log"],
    ["com¹", "_com¹"],
    ["console.log", "console.log"],
    ["two\nlines\r.txt", "two_lines_.txt"],
    ["nul\0byte", "nul_byte"],
    ["gpj.\u202etxt.exe", "gpj._txt.exe"],
    ["zero\u200bwidth", "zero_width"],
    ["e\u0301t\u00e9", "\u00e9t\u00e9"],
    ["lone\ud800", "lone\ufffd"],
    ['a|b<c>d?e*f"g:h', "a_b_c_d_e_f_g_h"],
  ] as const
) {
  Deno.test(`cleanName() makes ${JSON.stringify(clean)} of ${JSON.stringify(given)}`, () => {
    assertEquals(cleanName(given), clean);
  });
}

Deno.test("cleanName() cuts the stem of a long name and keeps its ending", () => {
  const name = cleanName(`${"é".repeat(200)}.tar.gz`);
  assertMatch(name, /^é+\.tar\.gz$|^é+\.tar?\.gz$|^é+\.gz$/);
  assert(encodeUtf8(name).length <= 240);
  assert(name.endsWith(".gz"));
  assert(encodeUtf8(cleanName("🦊".repeat(100))).length <= 240);
  assert(cleanName("🦊".repeat(100)).isWellFormed());
  assert(encodeUtf8(cleanName(`a.${"b".repeat(300)}`)).length <= 240);
});

Deno.test("cleanName() gives one safe name whatever it is given, and the same again", () => {
  const part = fc.oneof(
    fc.string({ unit: anyCodePoint, maxLength: 300 }),
    fc.constantFrom("..", "/", "\\", ".", " ", "CON", "nul.", "\u202e", "\u200d", "é", "e\u0301"),
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
    const name = cleanName(parts.join(""));
    assertEquals(cleanName(name), name);
    assert(name !== "" && encodeUtf8(name).length <= 240 && name.isWellFormed());
    assertEquals(name, name.normalize("NFC"));
    // deno-lint-ignore no-control-regex
    assert(!/[/\\:\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]|^[.\s]|[.\s]$/u.test(name));
    assert(encodeUtf8(numberedName(name, 9_999)).length <= 255);
  }));
});

Deno.test("numberedName() puts the number before the ending", () => {
  assertEquals(numberedName("photo.jpg", 2), "photo (2).jpg");
  assertEquals(numberedName("notes", 3), "notes (3)");
});

Deno.test("foldName() finds the names that some file system takes for one", () => {
  for (
    const [a, b] of [["A.TXT", "a.txt"], ["\u00e9", "e\u0301"], ["STRASSE", "straße"]] as const
  ) {
    assertEquals(foldName(a), foldName(b));
  }
});
