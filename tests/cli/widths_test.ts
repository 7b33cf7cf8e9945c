import { assert, assertEquals } from "@std/assert";
import { loadAllCommands } from "../../cli/command_list.ts";
import { Output, type TextSink } from "../../cli/output.ts";
import { displayWidth, wrapProse, wrapText } from "../../cli/text_width.ts";
import { parseOptions } from "../../directory/options.ts";
import { runInProcess } from "./command_line.ts";

const COLUMNS = 80;

function checkWidths(text: string, name: string): void {
  for (const line of text.split("\n")) assert(displayWidth(line) <= COLUMNS, `${name}: ${line}`);
}

/** Collects what is written to a terminal of so many columns. */
function terminal(columns = COLUMNS) {
  const written = { text: "" };
  const write = (text: string) => Promise.resolve(void (written.text += text));
  const sink: TextSink = { isTerminal: true, columns, write, writeSeen: write };
  return { written, out: new Output(sink, { noColor: true }) };
}

Deno.test("every --help fits 80 columns", async () => {
  const commands = await loadAllCommands(() => Promise.resolve());
  const names = commands.map(({ name }) => name.split(" "));
  const families = names.flatMap((words) =>
    words.slice(0, -1).map((_, at) => words.slice(0, at + 1))
  );
  for (const words of [[], ...families, ...names]) {
    const { code, out } = await runInProcess([...words, "--help"]);
    assertEquals(code, 0);
    checkWidths(out, words.join(" "));
  }
  for (const args of [["--help"], ["run", "--help"]]) {
    let text = "";
    const add = (more: string) => void (text += more);
    parseOptions(args, { version: "3", out: add, err: add });
    checkWidths(text, `openred-central ${args.join(" ")}`);
  }
});

Deno.test("table() fits a terminal: cells are shortened, then cut, and the last one goes on below", async () => {
  const row = (url: string) => [
    { text: "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", short: "z6MkhaXgB…a2doK" },
    { text: "“a name of this length or of another one”" },
    { text: "stranger" },
    { text: url },
  ];
  const { written, out } = terminal();
  const url = "https://a.host.with.a.rather.long.name.example.org:44300/path";
  await out.table(["NODE", "CLAIMS TO BE", "CONTACT", "URL"], [row(url), row("https://b")]);
  checkWidths(written.text, "the table");
  const lines = written.text.split("\n");
  assert(lines[1]!.startsWith("z6MkhaXgB…a2doK  “a name of this"), lines[1]);
  assert(lines[1]!.includes("…  stranger  https://"), lines[1]);
  assertEquals(written.text.replaceAll(/\s/g, "").includes(url), true);
});

Deno.test("wrapText() takes no longer for a line of a long text than for one of a short text", () => {
  const text = "ab ".repeat(100_000);
  const lines = wrapText(text, 20);
  assertEquals(lines.length, Math.ceil(100_000 / 7));
  assert(lines.slice(0, -1).every((line) => line === "ab ab ab ab ab ab ab"));
});

Deno.test("row() has a long last text go on under its own beginning", async () => {
  const { written, out } = terminal(20);
  await out.row([{ text: "12" }, { text: "one=1 two=2 three=3 four=4444444444444444444" }], [4, 0]);
  assertEquals(written.text.split("\n"), [
    "12    one=1 two=2",
    "      three=3",
    "      four=444444444",
    "      4444444444",
    "",
  ]);
});

Deno.test("flow() leaves out what is empty, and goes on below between its parts alone", async () => {
  const { written, out } = terminal(20);
  await out.flow([{ text: "anna" }, { text: "" }, { text: "12:00" }, { text: "read 12" }]);
  await out.flow([{ text: "anna" }, { text: "12:00" }, { text: "read 12" }, { text: "an id" }]);
  await out.flow([{ text: "a name that is too long" }, { text: "12:00" }]);
  assertEquals(written.text.split("\n"), [
    "anna  12:00  read 12",
    "anna  12:00  read 12",
    "  an id",
    "a name that is too long",
    "  12:00",
    "",
  ]);
});

Deno.test("wrapText() loses nothing but blanks at the ends of lines, and counts wide characters twice", () => {
  assertEquals(wrapText("", 8), [""]);
  assertEquals(wrapText("12345678 90", 8), ["12345678", "90"]);
  assertEquals(wrapText("日本語日本語", 8), ["日本語日", "本語"]);
});

Deno.test("wrapProse() joins the lines of a paragraph, and leaves examples as they are", () => {
  const text = "one two\nthree four\n\n  an example that is long\nfive";
  assertEquals(wrapProse(text, 12), "one two\nthree four\n\n  an example that is long\nfive");
  assertEquals(wrapProse("one\ntwo", 12), "one two");
});
