import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { loadAllCommands } from "../../cli/command_list.ts";
import { listenAddress, type RunOptions } from "../../cli/run_options.ts";
import { encodeNodeId } from "../../crypto/encoding.ts";
import { runInProcess } from "./command_line.ts";
import { anyCodePoint } from "../world/any_code_point.ts";

const PEER = encodeNodeId(new Uint8Array(32).fill(7));
const COMMANDS = await loadAllCommands(() => Promise.resolve());

/** Words that satisfy a command. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  "auth challenge": [PEER],
  "auth approve": ["1"],
  "auth deny": ["1"],
  "auth mute": [PEER],
  "log level": ["debug"],
  connect: [PEER],
  send: [PEER, "hello"],
  "invitation revoke": ["vkXLJgW_Nr4"],
  chat: [PEER],
  history: [PEER],
  search: ["hello", PEER],
  outbox: ["cancel", "m1"],
  "message remove": [PEER, "m1"],
  "message react": [PEER, "m1", "👍"],
  "message read": [PEER, "m1"],
  "message receipts": [PEER, "off"],
  "conversation group create": ["friends", PEER],
  "conversation group show": ["friends"],
  "conversation group accept": ["friends"],
  "conversation group decline": ["friends"],
  "conversation group invite": ["friends", PEER],
  "conversation group remove": ["friends", PEER],
  "conversation group leave": ["friends"],
  "conversation group owner": ["friends", PEER],
  "conversation group rename": ["friends", "good friends"],
  "conversation group history": ["friends", "on"],
  "conversation group refound": ["friends", "good friends"],
  share: ["photo.jpg"],
  unshare: ["abcdefgh"],
  accept: ["abcdefgh"],
  decline: ["abcdefgh"],
  get: ["abcdefgh"],
  transfers: ["pause", "abcdefgh"],
  "config set": ["alias", "bob"],
  "config unset": ["alias"],
  "peer show": [PEER],
  "peer allow": [PEER, "message"],
  "peer deny": ["bob", "files"],
  "peer reset": [PEER],
  "peer block": [PEER],
  "peer unblock": [PEER],
  "peer name": [PEER, "bob"],
  "peer forget": [PEER],
  "peer group add": ["friends", PEER],
  "peer group remove": ["friends", PEER],
  "peer group allow": ["friends", "files"],
  "peer group reset": ["friends", "files"],
  "peer group delete": ["friends"],
  "audit export": ["-"],
  backup: ["node.orb"],
  restore: ["node.orb"],
  "token show": ["10".repeat(16)],
  "token renew": [PEER],
  "token revoke": [PEER],
  "module info": ["notes"],
  "module load": ["notes.js"],
  "module unload": ["notes"],
  "module reload": ["notes", "notes.js"],
  "module enable": ["notes"],
  "module disable": ["notes"],
  "module grant": ["notes", "peers"],
  "module revoke": ["notes", "peers"],
  "module set": ["notes", "shown", "5"],
  "module call": ["notes", "GET", "/"],
  "module new": ["notes"],
};

/** Values that no option of that placeholder takes. */
const WRONG_VALUES: Readonly<Record<string, readonly string[]>> = {
  "DIR": ["\0", ""],
  "FILE": ["\0", ""],
  "PATH": ["\0", ""],
  "NOTE": ["", "x".repeat(1_025)],
  "HOST:PORT": ["x", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", ":80", "[::1:80", "a b:1"],
  "URL": ["x", "ftp://a", "http://a/", "http://u@a", "https://a?b", "https://a#b", "HTTPS://a"],
  "URL,…": ["x", "http://a,http://a", "http://a#zz", ",", "http://a,,http://b"],
  "NAME": ["", "x".repeat(65), "a\nb"],
  "LINE": ["", "x".repeat(121), "a\nb"],
  "PERMISSION": ["", "Message", "a b", "x".repeat(33), "a-b", "é"],
  "SECONDS": ["x", "-1", "1.5", "999999", "1e3", "", "NaN", "0x10"],
  "BYTES": ["x", "-1", "1.5", "1000", "99999999999999999999", "1e9", "", "16M"],
  "DAYS": ["x", "-1", "0", "1.5", "99999", ""],
  "TIME": [
    "x",
    "2 h",
    "-1h",
    "2026",
    "2026-13-40",
    "2026-02-30",
    "2026-01-01T99:00",
    "yesterday",
    "1w",
  ],
  "NUMBER:HASH": [
    "x",
    "1",
    "1:x",
    ":" + "A".repeat(43),
    `1:${"A".repeat(42)}`,
    `-1:${"A".repeat(43)}`,
  ],
  "ID": ["", "a b", "x".repeat(65), "é"],
  "SPAN": ["", "5", "0s", "1w", "-1d", "367d", "1.5h", "1 h"],
  "PEER": ["", "x".repeat(65), "a\nb"],
  "HEX": ["", "x", "a".repeat(63), "A".repeat(64), "g".repeat(64)],
  "GRANT": [
    "",
    "all",
    "peers=/",
    "fetch:http://a.example",
    "fetch:https://a b",
    "method:A",
    "folder:a",
    "folder:a:read",
    "folder:a:execute=/a",
    "folder:a:read=relative",
    "folder:a:read=/a\nb",
  ],
  "HOST:PORT|off": ["", "x", "on", "7610", "0.0.0.0:7610", "node.example:7610", "127.0.0.1:70000"],
  "ORIGIN,…": [
    "",
    "x",
    "http://node.example",
    "https://node.example/",
    "https://a.b,https://a.b/x",
  ],
  "TEXT": ["\0"],
  "N": ["x", "-1", "1.5", "99999999999999999999", "Infinity", "", " 1"],
};

const JSON_FAILURE = /^\{"code":"[a-z_]+","message":"[^\n]{5,640}"\}\n$/;

/** Whether failures are for programs too. */
function isJson(args: readonly string[], env: Readonly<Record<string, string>>): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).includes("--json") ||
    /^(1|true)$/.test(env.OPENRED_JSON ?? "");
}

async function assertUsage(args: readonly string[], env: Record<string, string> = {}) {
  const result = await runInProcess(args, { env });
  assertEquals([args, env, result.code], [args, env, 2]);
  assertMatch(result.err, isJson(args, env) ? JSON_FAILURE : /^openred-node: [^\n]{5,320}\n$/);
  assertEquals(result.out, "");
  assertEquals(/ at \S+:\d|Error:/.test(result.err), false, result.err);
  return result.err;
}

Deno.test("every option refuses missing, repeated, oversized and wrong values with exit code 2", async () => {
  for (const command of COMMANDS) {
    const words = WORDS[command.name] ?? [];
    for (const spec of Object.values(command.options)) {
      const base = [...command.name.split(" "), ...words];
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
      const twice = await assertUsage([...base, flag, "1", flag, "1"]);
      if (spec.repeats !== true) assertStringIncludes(twice, "give it once");
    }
  }
});

Deno.test("every command refuses missing and extra words and unknown options", async () => {
  for (const command of COMMANDS) {
    const name = command.name.split(" ");
    const words = WORDS[command.name] ?? [];
    const required = command.words.filter(({ isOptional }) => isOptional !== true).length;
    for (let count = 0; count < required; count += 1) {
      await assertUsage([...name, ...words.slice(0, count)]);
    }
    if (command.words.at(-1)?.isRepeated !== true) await assertUsage([...name, ...words, "extra"]);
    await assertUsage([...name, ...words, "--bogus"]);
    await assertUsage([...name, ...words, "-x"]);
  }
  for (
    const args of [[], ["bogus"], ["--bogus"], ["help"], [""], ["run", "run"], ["peer"], [
      "peer",
      "bogus",
    ], ["peer", "group"]]
  ) {
    await assertUsage(args);
  }
});

Deno.test("wrong usage of a command points at the help of that command", async () => {
  const cases: [string[], string][] = [
    [["peer", "deny", PEER], "openred-node peer deny --help"],
    [["peer", "group", "add", "--bogus"], "openred-node peer group add --help"],
    [["peer", "bogus"], "openred-node peer --help"],
    [["peer", "group"], "openred-node peer group --help"],
    [["bogus"], "openred-node --help"],
    [[], "openred-node --help"],
  ];
  for (const [args, help] of cases) assertStringIncludes(await assertUsage(args), `'${help}'`);
});

Deno.test("commands about a peer refuse words that are no id, no name and no contact link", async () => {
  const wrong = [
    "",
    "\u202ebob",
    "b\u200bob",
    "bob\n",
    " bob",
    "z".repeat(10_000),
    "openred:",
    `openred:${PEER}x`,
    `openred:${PEER}?u=https%3A%2F%2Fa.example%2F`,
    `openred:${PEER}?d=https%3A%2F%2Fa.example&d=https%3A%2F%2Fb.example`,
  ];
  for (const word of wrong) {
    for (const args of [["connect", word], ["send", word, "hello"], ["peer", "block", word]]) {
      assertStringIncludes(await assertUsage(args), "<peer>");
    }
  }
  assertStringIncludes(await assertUsage(["peer", "allow", "bob", "All"]), "<permission>");
  assertStringIncludes(await assertUsage(["peer", "group", "add", "-a b", "bob"]), "--");
  assertStringIncludes(await assertUsage(["peer", "group", "add", "A", "bob"]), "<group>");
  assertStringIncludes(await assertUsage(["peer", "alias", "bob", PEER]), "<name>");
});

Deno.test("--direct lan needs a port that machines of the network call, without a certificate", async () => {
  const run = (...args: string[]) =>
    assertUsage(["run", "--relay", "https://relay.example", ...args]);
  await run("--direct", "lan");
  await run("--direct", "lan", "--listen", "127.0.0.1:7601");
  await run("--direct", "lan", "--listen", "93.184.216.34:7601");
  await run("--direct", "lan", "--listen", "0.0.0.0:443");
  await run("--direct", "lan,lan", "--listen", "0.0.0.0:7601");
  await run("--direct", "lan,off", "--listen", "0.0.0.0:7601");
  const files = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
  await run("--direct", "lan", "--listen", "0.0.0.0:7601", ...files);
});

Deno.test("run refuses options that do not go together", async () => {
  await assertUsage(["run", "--listen", "0.0.0.0:1"]);
  await assertUsage(["run", "--listen", "[::]:1"]);
  for (const host of ["0.0.0.0", "0", "0x0", "00.0", "[::]", "[::0.0.0.0]", "[::ffff:0.0.0.0]"]) {
    await assertUsage(["run", "--listen", "127.0.0.1:1", "--api-url", `http://${host}:7600`]);
  }
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
  assertEquals(defaults.listen, null);
  assertEquals(listenAddress(defaults), { hostname: "127.0.0.1", port: 7601 });
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
    const name = command.name.split(" ");
    assertStringIncludes(top.out, `  ${name[0]} `);
    const { code, out, err } = await runInProcess([...name, "--help"]);
    assertEquals([code, err], [0, ""]);
    for (const spec of Object.values(command.options)) {
      assertStringIncludes(out, `--${spec.flag}`);
      if (spec.variable !== undefined) assertStringIncludes(out, spec.variable);
    }
    assertStringIncludes(out, "2  wrong usage or input");
  }
  assertEquals((await runInProcess(["--version"])).out, "3.0.0-test\n");
  assertEquals((await runInProcess(["--licenses"])).out, "licences of the test\n");
});

Deno.test("any words at all end with a known exit code and at most one line on standard error", async () => {
  const flags = COMMANDS.flatMap(({ options }) => Object.values(options).map((o) => `--${o.flag}`));
  const word = fc.oneof(
    fc.constantFrom(...COMMANDS.map(({ name }) => name), PEER, "-", "--", "-h", "--help", ...flags),
    fc.string({ unit: anyCodePoint, maxLength: 40 }),
    fc.tuple(fc.constantFrom(...flags), fc.string()).map(([flag, value]) => `${flag}=${value}`),
  );
  const env = fc.dictionary(
    fc.constantFrom("OPENRED_DATA", "OPENRED_LISTEN", "OPENRED_JSON", "OPENRED_PQ", "NO_COLOR"),
    fc.string({ unit: anyCodePoint }),
  );
  const property = fc.asyncProperty(fc.array(word, { maxLength: 6 }), env, async (args, env) => {
    const { code, err } = await runInProcess(args, { env });
    assert([0, 1, 2, 6].includes(code), `exit code ${code}`);
    const failed = isJson(args, env) ? JSON_FAILURE : /^openred-node: [^\n]*\n$/;
    assertMatch(err, code === 0 ? /^$/ : failed);
    assertEquals(/Error:|\.ts:\d/.test(err), false);
  });
  await fc.assert(property, { numRuns: 2_000 });
});
