import { assertEquals, assertThrows } from "@std/assert";
import { CommandError } from "../../cli/command_error.ts";
import { hasAllWords, parsePhrase } from "../../cli/recovery_phrase.ts";
import { toPhrase } from "../../ports/recovery_words.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** The test vectors of BIP 39 for 256 bits. */
const VECTORS = [
  [0x00, `${"abandon ".repeat(23)}art`],
  [
    0x7f,
    "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth " +
    "useful legal winner thank year wave sausage worth title",
  ],
  [0xff, `${"zoo ".repeat(23)}vote`],
] as const;

Deno.test("toPhrase() and parsePhrase() agree with the vectors of BIP 39", () => {
  for (const [byte, phrase] of VECTORS) {
    const bytes = new Uint8Array(32).fill(byte);
    assertEquals(toPhrase(bytes), phrase);
    assertEquals(parsePhrase(encode(phrase)), bytes);
  }
});

Deno.test("parsePhrase() takes any case and any blanks", () => {
  const typed = `  ${"ZOO \n\t".repeat(23)}Vote\n`;
  assertEquals(parsePhrase(encode(typed)), new Uint8Array(32).fill(0xff));
});

Deno.test("parsePhrase() takes the numbers that stand before words, however they are written", () => {
  const words = [...Array(23).fill("zoo"), "vote"];
  const ways = [
    (number: number) => `${number}. `,
    (number: number) => `${number})`,
    (number: number) => `[${number}]\t`,
    (number: number) => `\n#${number}: `,
    (number: number) => number % 6 === 1 ? `\n  ${number} ` : ` ${number} `,
  ];
  for (const way of ways) {
    const typed = words.map((word, index) => way(index + 1) + word).join(" ");
    assertEquals(parsePhrase(encode(typed)), new Uint8Array(32).fill(0xff));
    assertEquals(hasAllWords(encode(typed)), true);
    assertEquals(hasAllWords(encode(typed.slice(0, -5))), false);
  }
});

Deno.test("parsePhrase() names what is wrong and repeats no word", () => {
  const refused = (phrase: string) => {
    const error = assertThrows(() => parsePhrase(encode(phrase)), CommandError);
    assertEquals(error.exitCode, 2);
    return error.message;
  };
  assertEquals(refused("zoo zoo"), "A recovery phrase has 24 words, and these are 2");
  assertEquals(
    refused(`zoo zou ${"zoo ".repeat(21)}vote`),
    "Word 2 of the recovery phrase is not on the list",
  );
  assertEquals(
    refused("zoo ".repeat(24)),
    "The recovery phrase does not hold: a word is wrong, or their order",
  );
});
