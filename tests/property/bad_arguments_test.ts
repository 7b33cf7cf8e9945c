import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { childEnvironment, sourcePrograms } from "../../scripts/local_network/programs.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { parseCentral, type Said } from "./parse_central.ts";
import { anyCodePoint } from "../world/any_code_point.ts";

const NUMBERS = [
  "",
  "x",
  "-1",
  "1.5",
  "1e3",
  "NaN",
  "0x10",
  " 1",
  "9".repeat(20),
  "1".repeat(100_000),
];
const PATHS = ["", "\0", "x".repeat(100_000)];

/** Values that no option of that placeholder takes. */
const WRONG_VALUES: Readonly<Record<string, readonly string[]>> = {
  "<host:port>": [
    "",
    "x",
    "127.0.0.1",
    "127.0.0.1:65536",
    ":80",
    "[::1:80",
    "a b:1",
    `${"x".repeat(100_000)}:1`,
  ],
  "<url>": [
    "",
    "x",
    "ftp://a",
    "http://a/",
    "https://u@a.example",
    "https://a?b",
    "HTTPS://a",
    "x".repeat(100_000),
  ],
  "<dir>": PATHS,
  "<file>": PATHS,
  "<ms>": [...NUMBERS, "0"],
  "<n>": NUMBERS,
  "<policy>": ["", "x", "HOURLY", "x".repeat(100_000)],
  "<level>": ["", "x", "INFO", "\u001b[31m"],
  "[yes]": ["", "maybe", "2", "x".repeat(100_000)],
};

function assertUsage(args: readonly string[], { code, out, err } = parseCentral(args)): void {
  assertEquals([args, code, out], [args, 2, ""]);
  assertMatch(err, /^error: [^\p{Cc}]{5,320}\n(\([^\n]*--help[^\n]*\)\n)?$/u);
}

/** Every option of `run`, as its help lists them. */
function listOptions(): { flag: string; value: string }[] {
  const { out } = parseCentral(["run", "--help"]);
  return [...out.matchAll(/^ {2}(--[a-z-]+) ([<[][a-z:]+[>\]])/gm)]
    .map(([, flag, value]) => ({ flag: flag!, value: value! }));
}

Deno.test("Every option of openred-central refuses missing, oversized and wrong values with exit code 2", () => {
  const options = listOptions();
  assert(options.length >= 15, `Found ${options.length} options`);
  for (const { flag, value } of options) {
    const wrong = WRONG_VALUES[value];
    assert(wrong !== undefined, `No wrong values for ${flag} ${value}`);
    if (value !== "[yes]") assertUsage(["run", flag]);
    for (const text of wrong) assertUsage(["run", `${flag}=${text}`]);
    assertUsage(["run", `--no-${flag.slice(2)}`]);
    assertUsage(["run", `${flag}x`]);
  }
});

/** What `wrong_variables.ts` prints for these. */
async function readWrongVariables(
  wrong: readonly [string, readonly string[]][],
): Promise<readonly (Said & { readonly variable: string; readonly text: string })[]> {
  const program = new URL("wrong_variables.ts", import.meta.url).pathname;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", "--allow-env", program],
    env: childEnvironment(),
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  await new Response(JSON.stringify(wrong)).body!.pipeTo(process.stdin);
  return JSON.parse(new TextDecoder().decode((await process.output()).stdout));
}

Deno.test("Every variable of openred-central is held to the same values", async () => {
  const wrong = listOptions().map(({ flag, value }): [string, string[]] => [
    `OPENRED_${flag.slice(2).replaceAll("-", "_").toUpperCase()}`,
    WRONG_VALUES[value]!.filter((text) => text !== "" && !text.includes("\0")),
  ]);
  const answers = await readWrongVariables(wrong);
  assertEquals(answers.length, wrong.flatMap(([, values]) => values).length);
  for (const { variable, text, ...said } of answers) assertUsage([`${variable}=${text}`], said);
});

Deno.test("Any words at all end openred-central with 0, 2 or a start, and forge no lines", () => {
  const flags = listOptions().map(({ flag }) => flag);
  const word = fc.oneof(
    fc.constantFrom("run", "help", "-", "--", "-h", "-V", "--help", "--version", ...flags),
    fc.string({ unit: anyCodePoint, maxLength: 40 }),
    fc.tuple(fc.constantFrom(...flags), fc.string({ unit: anyCodePoint })).map(([flag, text]) =>
      `${flag}=${text}`
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      const { code, err } = parseCentral(args);
      assert(code === 0 || code === 2 || code === null);
      assert(!/\bat .+:\d+:\d+|Error:|[^\P{Cc}\n]/u.test(err), err);
      if (err.startsWith("error:")) assertMatch(err, /^error: [^\n]+\n(\([^\n]*\)\n)?$/);
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("Both programs end with exit code 2 and one clear line when started with wrong options", async () => {
  using data = makeTemporaryDirectory();
  const wrong = [
    ["run", "--listen", "nowhere"],
    ["run", "--bogus"],
    ["run", "--rotation", "seeded"],
    ["\u001b[31m", "run"],
  ];
  const starts = (["central", "node"] as const).flatMap((program) =>
    wrong.map((words) => ({ program, words }))
  );
  await Promise.all(starts.map(async ({ program, words }) => {
    const [command = "", ...args] = sourcePrograms.command(program, data.path);
    const { code, stdout, stderr } = await new Deno.Command(command, {
      args: [...args, ...words],
      clearEnv: true,
      env: { ...childEnvironment(), OPENRED_DATA: data.path },
      stdin: "null",
    }).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assertEquals([program, words, code, out], [program, words, 2, ""], err);
    assertMatch(err!, /^(error|openred-node): [^\p{Cc}]+\n(\([^\n]*\)\n)?$/u);
  }));
});
