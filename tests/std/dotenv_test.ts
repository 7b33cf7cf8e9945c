import { assertEquals } from "@std/assert";
import { load, loadSync } from "@std/dotenv";
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

Deno.test("load() and loadSync() read a file, and nothing where there is none", async () => {
  const envPath = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(envPath, "OPENRED_DOTENV_TEST='a b'");
    assertEquals(await load({ envPath }), { OPENRED_DOTENV_TEST: "a b" });
    assertEquals(loadSync({ envPath, export: true }), { OPENRED_DOTENV_TEST: "a b" });
    assertEquals(Deno.env.get("OPENRED_DOTENV_TEST"), "a b");
  } finally {
    Deno.env.delete("OPENRED_DOTENV_TEST");
    await Deno.remove(envPath);
  }
  assertEquals(await load({ envPath }), {});
  assertEquals(loadSync({ envPath: null }), {});
});
