import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { listCommands } from "../../cli/commands.ts";
import type { RunOptions } from "../../cli/run_options.ts";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { runInProcess } from "./command_line.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));
const COMMANDS = listCommands(() => Promise.resolve());

/** Words that satisfy a command. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  connect: [PEER],
  send: [PEER, "hello"],
};

/** Values that no option of that placeholder takes. */
const WRONG_VALUES: Readonly<Record<string, readonly string[]>> = {
  "DIR": ["\0", ""],
  "FILE": ["\0", ""],
  "HOST:PORT": ["x", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", ":80", "[::1:80", "a b:1"],
  "URL": ["x", "ftp://a", "http://a/", "http://u@a", "https://a?b", "https://a#b", "HTTPS://a"],
  "URL,…": ["x", "http://a,http://a", "http://a#zz", ",", "http://a,,http://b"],
  "NAME": ["", "x".repeat(65), "a\nb"],
  "SECONDS": ["x", "-1", "1.5", "999999", "1e3", "", "NaN", "0x10"],
  "N": ["x", "-1", "1.5", "99999999999999999999", "Infinity", "", " 1"],
};

async function assertUsage(args: readonly string[], env: Record<string, string> = {}) {
  const result = await runInProcess(args, { env });
  assertEquals([args, env, result.code], [args, env, 2]);
  assertMatch(result.err, /^openred-node: [^\n]{5,320}\n$/);
  assertEquals(result.out, "");
  assertEquals(/ at |Error:/.test(result.err), false);
  return result.err;
}

Deno.test("every option refuses missing, repeated, oversized and wrong values with exit code 2", async () => {
  for (const command of COMMANDS) {
    const words = WORDS[command.name] ?? [];
    for (const spec of Object.values(command.options)) {
      const base = [command.name, ...words];
      const flag = `--${spec.flag}`;
      if (spec.value === undefined) {
        await assertUsage([...base, `${flag}=1`]);
        if (spec.variable !== undefined) await assertUsage(base, { [spec.variable]: "maybe" });
        continue;
      }
      await assertUsage([...base, flag]);
      await assertUsage([...base, flag, "--json"]);
      await assertUsage([...base, flag, "x".repeat(100_000)]);
      const wrong = WRONG_VALUES[spec.value] ?? ["", "x", spec.defaultText.toUpperCase()];
      for (const value of wrong) {
        await assertUsage([...base, `${flag}=${value}`]);
        if (spec.variable !== undefined && value !== "") {
          assertStringIncludes(await assertUsage(base, { [spec.variable]: value }), spec.variable);
        }
      }
      assertStringIncludes(await assertUsage([...base, flag, "1", flag, "1"]), "give it once");
    }
  }
});

Deno.test("every command refuses missing and extra words and unknown options", async () => {
  for (const command of COMMANDS) {
    const words = WORDS[command.name] ?? [];
    for (let count = 0; count < words.length; count += 1) {
      await assertUsage([command.name, ...words.slice(0, count)]);
    }
    await assertUsage([command.name, ...words, "extra"]);
    await assertUsage([command.name, ...words, "--bogus"]);
    await assertUsage([command.name, ...words, "-x"]);
  }
  for (const args of [[], ["bogus"], ["--bogus"], ["help"], [""], ["run", "run"]]) {
    await assertUsage(args);
  }
});

Deno.test("connect and send refuse words that are not node ids", async () => {
  const wrong = ["", "x", PEER.slice(0, -1), `${PEER}1`, PEER.toLowerCase(), "z".repeat(10_000)];
  for (const id of wrong) {
    assertStringIncludes(await assertUsage(["connect", id]), "<node-id>");
    assertStringIncludes(await assertUsage(["send", id, "hello"]), "<node-id>");
  }
});

Deno.test("run refuses options that do not go together", async () => {
  await assertUsage(["run", "--listen", "0.0.0.0:1"]);
  await assertUsage(["run", "--listen", "[::]:1"]);
  await assertUsage(["run", "--rotation", "seeded"]);
  await assertUsage(["run", "--network-seed-file", "seed"]);
  await assertUsage(["run", "--admin-listen", "0.0.0.0:1"]);
  await assertUsage(["run", "--admin-listen", "localhost:1"]);
});

async function runOptionsOf(args: readonly string[], env: Record<string, string> = {}) {
  let taken: RunOptions | undefined;
  const result = await runInProcess(["run", ...args], {
    env,
    ports: { runNode: (options) => Promise.resolve(void (taken = options)) },
  });
  assertEquals([result.code, result.err], [0, ""]);
  assert(taken !== undefined);
  return taken;
}

Deno.test("run reads options from the command line, then the environment, then defaults", async () => {
  const defaults = await runOptionsOf([]);
  assertEquals(defaults.listen, { hostname: "127.0.0.1", port: 7601 });
  assertEquals([defaults.pq, defaults.rotation, defaults.directories], ["prefer", "hourly", []]);
  const env = {
    OPENRED_LISTEN: "[::1]:9",
    OPENRED_DIRECTORIES: `http://127.0.0.1:1, https://d.example#${PEER}`,
    OPENRED_UNLISTED: "1",
    OPENRED_ALLOW_PRIVATE: "0",
    OPENRED_ALIAS: "",
    OPENRED_SESSION_LIFE: "60",
  };
  const fromEnv = await runOptionsOf(["--listen", "127.0.0.1:0"], env);
  assertEquals(fromEnv.listen, { hostname: "127.0.0.1", port: 0 });
  assertEquals(fromEnv.directories, ["http://127.0.0.1:1", `https://d.example#${PEER}`]);
  assertEquals([fromEnv.unlisted, fromEnv.allowPrivate, fromEnv.alias], [true, false, null]);
  assertEquals(fromEnv.sessionLifeS, 60);
});

Deno.test("--help of every command names its options, variables and exit codes", async () => {
  const top = await runInProcess(["--help"]);
  assertEquals([top.code, top.err], [0, ""]);
  for (const command of COMMANDS) {
    assertStringIncludes(top.out, `  ${command.name} `);
    const { code, out, err } = await runInProcess([command.name, "--help"]);
    assertEquals([code, err], [0, ""]);
    for (const spec of Object.values(command.options)) {
      assertStringIncludes(out, `--${spec.flag}`);
      if (spec.variable !== undefined) assertStringIncludes(out, spec.variable);
    }
    assertStringIncludes(out, "2  wrong usage or input");
  }
  assertEquals((await runInProcess(["--version"])).out, "3.0.0-test\n");
});

Deno.test("any words at all end with a known exit code and at most one line on standard error", async () => {
  const flags = COMMANDS.flatMap(({ options }) => Object.values(options).map((o) => `--${o.flag}`));
  const word = fc.oneof(
    fc.constantFrom(...COMMANDS.map(({ name }) => name), PEER, "-", "--", "-h", "--help", ...flags),
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.tuple(fc.constantFrom(...flags), fc.string()).map(([flag, value]) => `${flag}=${value}`),
  );
  const env = fc.dictionary(
    fc.constantFrom("OPENRED_DATA", "OPENRED_LISTEN", "OPENRED_JSON", "OPENRED_PQ", "NO_COLOR"),
    fc.string({ unit: "binary" }),
  );
  const property = fc.asyncProperty(fc.array(word, { maxLength: 6 }), env, async (args, env) => {
    const { code, err } = await runInProcess(args, { env });
    assert([0, 1, 2].includes(code), `exit code ${code}`);
    assertMatch(err, code === 0 ? /^$/ : /^openred-node: [^\n]*\n$/);
    assertEquals(/Error:|\.ts:\d/.test(err), false);
  });
  await fc.assert(property, { numRuns: 2_000 });
});
