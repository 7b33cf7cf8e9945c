import { assertEquals } from "@std/assert";
import { parse } from "@std/dotenv/parse";
import { stringify } from "@std/dotenv/stringify";
import fc from "fast-check";

Deno.test("parse() reads every kind of value", () => {
  const text = [
    "# comment",
    "PLAIN=plain text # comment",
    "EMPTY=",
    "  export SPACED = ' kept '",
    "SINGLE='a \\n $HOME # kept'  # comment",
    'DOUBLE="a\\nb\\t$KEPT"',
    'BLOCK="',
    "two",
    'lines"',
    'JSON={"a": "b"}',
    "no value here",
    "URL=https://host/path?a=b",
    "UNCLOSED='abc",
  ].join("\r\n");
  assertEquals(parse(text), {
    PLAIN: "plain text",
    EMPTY: "",
    SPACED: " kept ",
    SINGLE: "a \\n $HOME # kept",
    DOUBLE: "a\nb\t$KEPT",
    BLOCK: "two\r\nlines",
    JSON: '{"a": "b"}',
    URL: "https://host/path?a=b",
    UNCLOSED: "'abc",
  });
});

Deno.test("parse() expands references in unquoted values", () => {
  const text = "A=1\nB=$A-${A}\nC=${MISSING:-other}\nD=\\$A\nE=${MISSING:-${A}}";
  assertEquals(parse(text), { A: "1", B: "1-1", C: "other", D: "\\$A", E: "1" });
});

Deno.test("parse() undoes escapes in double quotes only", () => {
  const text = [
    String.raw`A="say \"hi\" # kept" # comment`,
    String.raw`B="C:\\new\\"`,
    String.raw`C="\\\"\n\q\$"`,
    String.raw`D='a\\b\"'`,
    String.raw`E=a\\b\"`,
    String.raw`F="open \"`,
  ].join("\n");
  assertEquals(parse(text), {
    A: 'say "hi" # kept',
    B: "C:\\new\\",
    C: '\\"\n\\q\\$',
    D: String.raw`a\\b\"`,
    E: String.raw`a\\b\"`,
    F: String.raw`"open \"`,
  });
});

Deno.test("parse() leaves out one line break at each end of double quotes, but no escaped one", () => {
  assertEquals(parse('A="\n\na\r\n"\nB="\r"\nC="b\\\n"'), { A: "\na", B: "", C: "b\\\n" });
});

Deno.test("stringify() quotes only where it has to", () => {
  assertEquals(
    stringify({ A: "plain", B: "with space", C: "two\nlines", D: "it's", E: 'say "hi"', F: "" }),
    'A=plain\nB=\'with space\'\nC="two\\nlines"\nD="it\'s"\nE=\'say "hi"\'\nF=',
  );
});

Deno.test("parse() undoes stringify() on token lines", () => {
  const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"];
  const base64 = fc.array(fc.constantFrom(...alphabet), { minLength: 4, maxLength: 400 })
    .map((characters) => characters.join("") + "==");
  const name = fc.stringMatching(/^NODE_z6Mk[1-9A-HJ-NP-Za-km-z]{44}_TOKEN_[0-9a-f]{32}$/);
  const vault = fc.dictionary(name, base64.map((text) => `encrypted:AES256:${text}`));
  fc.assert(fc.property(vault, (entries) => {
    assertEquals(parse(stringify(entries)), { ...entries });
  }));
});

Deno.test("stringify() writes a token line in the form that the vault documents", () => {
  assertEquals(
    stringify({ NODE_z6MkA_TOKEN_0a0b: "encrypted:AES256:ab+/cd==" }),
    "NODE_z6MkA_TOKEN_0a0b='encrypted:AES256:ab+/cd=='",
  );
});

Deno.test("parse() undoes stringify() whatever quotes, breaks and backslashes a value has", () => {
  const pieces = [
    "'",
    '"',
    "\\",
    "\\n",
    "\\t",
    "\n",
    "\r",
    "\t",
    "$A",
    "{",
    "}",
    " ",
    "=",
    "#",
    "a",
  ];
  const value = fc.array(fc.constantFrom(...pieces), { maxLength: 8 })
    .map((middle) => `start${middle.join("")}end`);
  fc.assert(fc.property(value, (value) => {
    assertEquals(parse(stringify({ VALUE: value })), { VALUE: value });
  }));
});

Deno.test("stringify() escapes what double quotes need", () => {
  assertEquals(stringify({ A: `"'\\\r\t` }), String.raw`A="\"'\\\r\t"`);
});
