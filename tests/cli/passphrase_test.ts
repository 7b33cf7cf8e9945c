import { assertEquals, assertStringIncludes } from "@std/assert";
import type { CommandLinePorts } from "../../cli/commands.ts";
import type { PassphraseChange } from "../../cli/node_keeper.ts";
import { failure } from "../../cli/command_error.ts";
import { NO_KEEPER, runInProcess } from "./command_line.ts";

interface Change {
  readonly data: string;
  readonly kind: PassphraseChange["kind"];
  readonly passphrase: string;
  readonly newPassphrase: string | null;
}

/** Ports that note what was to be changed. */
function world(
  given: { files?: Record<string, string>; typed?: string[] } = {},
): { changes: Change[]; prompts: string[]; ports: Partial<CommandLinePorts> } {
  const changes: Change[] = [];
  const prompts: string[] = [];
  const typed = [...given.typed ?? []];
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return {
    changes,
    prompts,
    ports: {
      askSecret: (prompt) => {
        prompts.push(prompt);
        const next = typed.shift();
        return Promise.resolve(next === undefined ? null : new TextEncoder().encode(next));
      },
      readSecretFile: (path) =>
        Promise.resolve(new TextEncoder().encode(given.files?.[path] ?? "")),
      keeper: {
        ...NO_KEEPER,
        changePassphrase: async (data, read) => {
          const change = await read(false);
          const newPassphrase = change.kind === "change" ? text(change.newPassphrase) : null;
          changes.push({
            data,
            kind: change.kind,
            passphrase: text(change.passphrase),
            newPassphrase,
          });
        },
      },
    },
  };
}

Deno.test("passphrase set takes a file, without its line end", async () => {
  const { changes, ports } = world({ files: { "secret.txt": "correct horse\r\n" } });
  const args = ["passphrase", "set", "--data", "folder", "--passphrase-file", "secret.txt"];
  const { code, out } = await runInProcess(args, { ports });
  assertEquals([code, out], [0, "The keys are under a passphrase now\n"]);
  const passphrase = "correct horse";
  assertEquals(changes, [{ data: "folder", kind: "set", passphrase, newPassphrase: null }]);
});

Deno.test("passphrase set wipes what a file held, and reads no more of standard input than it takes", async () => {
  const content = new TextEncoder().encode("correct horse\n");
  let mostBytes = 0;
  const ports = {
    ...world().ports,
    readInput: (maxBytes: number) => {
      mostBytes = maxBytes;
      return Promise.resolve(content);
    },
  };
  await runInProcess(["passphrase", "set", "--passphrase-file", "-"], { ports });
  assertEquals([mostBytes, content], [1_029, new Uint8Array(content.length)]);
});

Deno.test("passphrase set asks twice, up to three times, and changes nothing when the two differ", async () => {
  const same = world({ typed: ["correct horse", "correct horse"] });
  assertEquals((await runInProcess(["passphrase", "set"], { ports: same.ports })).code, 0);
  const asked = ["New passphrase (8 characters or more): ", "The same again: "];
  assertEquals(same.prompts, asked);
  assertEquals(same.changes[0]?.passphrase, "correct horse");
  const wrong = ["short", "correct horse", "correct house"];
  const third = world({ typed: [...wrong, "correct horse", "correct horse"] });
  assertEquals((await runInProcess(["passphrase", "set"], { ports: third.ports })).code, 0);
  assertEquals(third.changes[0]?.passphrase, "correct horse");
  assertStringIncludes(third.prompts[1] ?? "", "has 8 to 1024 bytes");
  assertStringIncludes(third.prompts[3] ?? "", "differ");
  const other = world({ typed: [...wrong, "correct horse", "correct house", "correct horse"] });
  const { code, err } = await runInProcess(["passphrase", "set"], { ports: other.ports });
  assertEquals([code, other.changes], [1, []]);
  assertStringIncludes(err, "differ");
});

Deno.test("passphrase change reads the present one and the new one, each from its place", async () => {
  const { changes, ports } = world({ files: { old: "the old one" } });
  const args = ["passphrase", "change", "--passphrase-file", "old", "--new-passphrase-file", "-"];
  const input = new TextEncoder().encode("the new one\n");
  const { code, out } = await runInProcess([...args, "--json"], { ports, input });
  assertEquals([code, out], [0, '{"passphrase":true}\n']);
  assertEquals([changes[0]?.passphrase, changes[0]?.newPassphrase], ["the old one", "the new one"]);
});

Deno.test("passphrase remove takes the file from its variable", async () => {
  const { changes, ports } = world({ files: { here: "the old one" } });
  const env = { OPENRED_PASSPHRASE_FILE: "here" };
  const { code, out } = await runInProcess(["passphrase", "remove", "--json"], { ports, env });
  assertEquals([code, out, changes[0]?.kind], [0, '{"passphrase":false}\n', "remove"]);
});

Deno.test("passphrase refuses what is too short, empty, twice on standard input, or not given", async () => {
  const { changes, ports } = world({ files: { short: "seven77", empty: "\n" } });
  const cases = [
    [2, ["set", "--passphrase-file", "short"]],
    [2, ["set", "--passphrase-file", "empty"]],
    [2, ["remove", "--passphrase-file", "empty"]],
    [2, ["change", "--passphrase-file", "-", "--new-passphrase-file", "-"]],
    [2, ["set", "a passphrase on the command line"]],
    [1, ["set"]],
    [1, ["remove"]],
    [2, ["remove", "--passphrase-file", "-"]],
  ] as const;
  const input = new TextEncoder().encode("x".repeat(1_027));
  for (const [expected, args] of cases) {
    const { code } = await runInProcess(["passphrase", ...args], { ports, input });
    assertEquals(code, expected, args.join(" "));
  }
  assertEquals(changes, []);
  const typing = world({ typed: ["", "x".repeat(1_025), "x".repeat(1_025)] });
  const removing = await runInProcess(["passphrase", "remove"], { ports: typing.ports });
  assertStringIncludes(removing.err, "No passphrase was given");
  const setting = await runInProcess(["passphrase", "set"], { ports: typing.ports });
  assertEquals([removing.code, setting.code, typing.changes], [1, 2, []]);
});

Deno.test("passphrase asks for nothing where it cannot be changed", async () => {
  for (const kind of ["set", "change", "remove"]) {
    const { prompts, ports } = world({ typed: ["correct horse", "correct horse"] });
    const refuse = () => Promise.reject(failure("There is no node there"));
    const args = ["passphrase", kind];
    const result = await runInProcess(args, {
      ports: { ...ports, keeper: { ...NO_KEEPER, changePassphrase: refuse } },
    });
    assertEquals([result.code, prompts], [1, []]);
  }
});
