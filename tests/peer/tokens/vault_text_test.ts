import { assertEquals } from "@std/assert";
import { stringify } from "@std/dotenv/stringify";
import {
  formatChange,
  formatLine,
  isRemoval,
  lineLength,
  MASTER_KEY_LINE,
  readVaultText,
  sealedOf,
} from "../../../peer/tokens/vault_text.ts";

const PEER = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";
const nameOf = (digit: string) => `NODE_${PEER}_TOKEN_${digit.repeat(32)}`;
const A = nameOf("a");
const B = nameOf("b");

/** What counts at the end: of each name the last line. */
function valuesOf(text: string): Record<string, string | null> {
  const { lines } = readVaultText(text);
  return Object.fromEntries(
    lines.map((line) => [line.name, isRemoval(line) ? null : sealedOf(line)]),
  );
}

Deno.test("formatLine() writes the seed's line, and the master key's line is stringify's", () => {
  assertEquals(formatLine(A, "AAAA"), `${A}=encrypted:AES256:AAAA\n`);
  assertEquals(MASTER_KEY_LINE, "TOKEN_MASTER_KEY=derived_from_node_secret");
  assertEquals(formatLine(A, null), `${A}=\n`);
  assertEquals(lineLength(A, "AAAA"), formatLine(A, "AAAA").length);
});

Deno.test("readVaultText() reads the seed's form and the quotes that stringify puts around a value", () => {
  const quoted = stringify({ [B]: "encrypted:AES256:BBBB" });
  assertEquals(quoted, `${B}='encrypted:AES256:BBBB'`);
  const text = `${MASTER_KEY_LINE}\n${formatLine(A, "AAAA")}${quoted}\n`;
  assertEquals(valuesOf(text), { [A]: "AAAA", [B]: "BBBB" });
  assertEquals(valuesOf(`${B}="encrypted:AES256:BB=="\n`), { [B]: "BB==" });
});

Deno.test("readVaultText() takes carriage returns, blank lines and comments", () => {
  const text = `${MASTER_KEY_LINE}\r\n# mine\r\n\r\n${A}=encrypted:AES256:AAAA\r\n`;
  const read = readVaultText(text);
  assertEquals(read.lines.map((line) => [line.name, sealedOf(line)]), [[A, "AAAA"]]);
  assertEquals([read.comments, read.damaged, read.isComplete], [["# mine"], [], true]);
});

Deno.test("readVaultText() lets the last line of a name win, an empty one too", () => {
  const text = formatLine(A, "AAAA") + formatLine(B, "BBBB") + formatLine(A, "CCCC") +
    formatLine(B, null);
  assertEquals(valuesOf(text), { [A]: "CCCC", [B]: null });
});

Deno.test("readVaultText() leaves out a change that is not there in full, and nothing before it", () => {
  const whole = `${MASTER_KEY_LINE}\n${formatLine(A, "AAAA")}`;
  const change = formatChange([formatLine(A, "CCCC"), formatLine(B, "BBBB")]);
  for (let length = 0; length < change.length; length++) {
    const read = readVaultText(whole + change.slice(0, length));
    assertEquals(read.lines.map(sealedOf), ["AAAA"], `${length} characters`);
    assertEquals([read.damaged, read.comments], [[], []], `${length} characters`);
    assertEquals(read.isComplete, length === 0, `${length} characters`);
  }
  assertEquals(valuesOf(whole + change), { [A]: "CCCC", [B]: "BBBB" });
});

Deno.test("readVaultText() gives every other line as damaged, with its place", () => {
  const lines = [
    "nonsense",
    `${A}=encrypted:AES256:AAAA`,
    `${B}=encrypted:AES256:$HOME`,
    "OTHER=1",
  ];
  const read = readVaultText(lines.join("\n") + "\n");
  assertEquals(read.damaged.map(({ text, place }) => [text, place]), [
    ["nonsense", 0],
    ["OTHER=1", 3],
  ]);
  assertEquals(read.lines.map(sealedOf), ["AAAA", ""], "what could be a reference is not read");
});

Deno.test("readVaultText() keeps the lines of a change whose first line is damaged", () => {
  const change = formatChange([formatLine(A, "AAAA"), formatLine(B, "BBBB")]).replace(
    "# ch",
    "x ch",
  );
  const read = readVaultText(change);
  assertEquals([read.lines.length, read.damaged.length], [2, 1]);
});

Deno.test("readVaultText() keeps the lines of a change one of whose numbers is damaged", () => {
  const change = formatChange([formatLine(A, "AAAA"), formatLine(B, "BBBB")]);
  const bytes = /(\d+) bytes/.exec(change)![1]!;
  for (
    const damaged of [change.replace("2 lines", "9 lines"), change.replace(bytes, `9${bytes}`)]
  ) {
    assertEquals(damaged === change, false);
    assertEquals(valuesOf(damaged), { [A]: "AAAA", [B]: "BBBB" });
  }
  const former = change.replace(`, ${bytes} bytes`, "");
  assertEquals(valuesOf(former), { [A]: "AAAA", [B]: "BBBB" });
  assertEquals(valuesOf(former.slice(0, -1)), {});
});
