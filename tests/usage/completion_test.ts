import { assertEquals, assertStringIncludes } from "@std/assert";
import { completionScript, type Shell } from "../../usage/completion.ts";
import { EXIT_MEANINGS } from "../../usage/exit_meanings.ts";
import { manualPage } from "../../usage/manual.ts";
import { placesOf, type ProgramUsage } from "../../usage/program.ts";

const DATA = {
  flag: "--data",
  value: "DIR",
  summary: "the node's folder",
  variable: "OPENRED_DATA",
};
const JSON_SWITCH = { flag: "--json", value: null, summary: "print JSON", variable: null };
const NAME_OPTION = { flag: "--name", value: "NAME", summary: "what it's called", variable: null };

const PROGRAM: ProgramUsage = {
  name: "openred-try",
  summary: "a program to complete",
  families: { audit: "the log" },
  commands: [
    { words: ["audit", "show"], summary: "shows: all", details: "", operands: [], options: [DATA] },
    {
      words: ["audit", "verify"],
      summary: "checks it",
      details: ".first\n\n  an example",
      operands: [],
      options: [JSON_SWITCH],
    },
    {
      words: ["share"],
      summary: "offers files",
      details: "",
      operands: ["<path...>"],
      options: [NAME_OPTION, DATA],
    },
  ],
};

/** Each prints a line for every word that the shell offers for a command line with a word begun at its end. */
const ASK: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) =>
    `COMP_WORDS=(openred-try ${words.map((word) => `'${word}'`).join(" ")}); ` +
    `COMP_CWORD=${words.length}; _openred_try; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (words) =>
    `_describe() { local -a them=("\${(@P)2}"); print -l -- "\${(@)them%%:*}"; }; _files() { print -l -- *(N); }; ` +
    `words=(openred-try ${words.map((word) => `'${word}'`).join(" ")}); ` +
    `CURRENT=${words.length + 1}; _openred_try`,
  fish: (words) =>
    `complete -C 'openred-try ${words.join(" ")}' | string replace -r '\\t.*' ''; true`,
};

/** zsh defines the function where `compdef` is; without the completion system there is none. */
const BEFORE: Readonly<Record<Shell, string>> = { bash: "", zsh: "compdef() { : }; ", fish: "" };

const FLAGS: Readonly<Record<Shell, readonly string[]>> = {
  bash: ["--norc", "--noprofile"],
  zsh: ["-f"],
  fish: ["--no-config"],
};

async function hasShell(shell: Shell): Promise<boolean> {
  return await new Deno.Command(shell, { args: ["--version"], stdout: "null", stderr: "null" })
    .output().then(({ success }) => success, () => false);
}

async function offered(shell: Shell, words: readonly string[]): Promise<readonly string[]> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/script`, completionScript(PROGRAM, shell));
    await Deno.mkdir(`${folder}/here`);
    await Deno.writeTextFile(`${folder}/here/a file`, "");
    const { success, stdout, stderr } = await new Deno.Command(shell, {
      args: [...FLAGS[shell], "-c", `${BEFORE[shell]}source ../script; ${ASK[shell](words)}`],
      cwd: `${folder}/here`,
      env: { HOME: folder },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    assertEquals(success, true);
    const begun = words.at(-1) ?? "";
    // zsh filters what it is told itself.
    return decoder.decode(stdout).split("\n")
      .filter((line) => line !== "" && line.startsWith(begun)).sort();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const shell of ["bash", "zsh", "fish"] as const) {
  Deno.test({
    name: `completionScript() completes in ${shell} (skipped where it is not installed)`,
    ignore: !await hasShell(shell),
    async fn() {
      assertEquals(await offered(shell, ["a"]), ["audit"]);
      assertEquals(await offered(shell, ["audit", ""]).then(commandsOf), ["show", "verify"]);
      assertEquals(await offered(shell, ["audit", "show", "--d"]), ["--data"]);
      assertEquals(await offered(shell, ["audit", "verify", "--d"]), []);
      // The value of an option is no command, and that of --name nothing that is known.
      assertEquals(await offered(shell, ["share", "--name", "audit", "--j"]), []);
      assertEquals(await offered(shell, ["share", "--name", ""]), []);
      const files = [
        await offered(shell, ["share", "a"]),
        await offered(shell, ["share", "--data", "a"]),
      ];
      for (const found of files) {
        if (shell === "fish") assertEquals(found.length <= 1, true);
        else assertEquals(found, ["a file"]);
      }
    },
  });
}

function commandsOf(words: readonly string[]): readonly string[] {
  return words.filter((word) => !word.startsWith("-"));
}

Deno.test("placesOf() knows what can follow each word", () => {
  assertEquals(
    placesOf(PROGRAM).map(({ path, commands, takesPaths }) => ({
      path: path.join(" "),
      next: commands.map(({ word }) => word),
      takesPaths,
    })),
    [
      { path: "", next: ["audit", "share"], takesPaths: false },
      { path: "audit", next: ["show", "verify"], takesPaths: false },
      { path: "audit show", next: [], takesPaths: false },
      { path: "audit verify", next: [], takesPaths: false },
      { path: "share", next: [], takesPaths: true },
    ],
  );
});

Deno.test("manualPage() lets no text of a command be a request", () => {
  const page = manualPage(PROGRAM, "3.0.0");
  assertStringIncludes(page, '.TH "OPENRED\\-TRY" 1 "" "OpenRed 3.0.0"');
  assertStringIncludes(page, "\n\\&.first\n.PP\n.br\n  an example\n");
  assertStringIncludes(page, "the node's folder (OPENRED_DATA)");
});

Deno.test("manualPage() tells the options of the program itself, and every exit code", () => {
  const page = manualPage(PROGRAM, "3.0.0");
  for (const option of ["--help", "--version", "--licenses"]) {
    assertStringIncludes(page, `\n.TP\n.B "${option.replaceAll("-", "\\-")}"\n`);
  }
  assertStringIncludes(page, "\n.TP\n4\nrefused: blocked, forbidden, used up\n");
  for (const [code] of EXIT_MEANINGS) assertStringIncludes(page, `\n.TP\n${code}\n`);
});
