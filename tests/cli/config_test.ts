import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OTHER_VARIABLES } from "../../cli/environment_names.ts";
import { nearest } from "../../cli/nearest.ts";
import type { SettingsPort } from "../../cli/settings_file.ts";
import { RUN_OPTIONS, type RunOptions } from "../../cli/run_options.ts";
import { centralRows } from "../../scripts/configuration_tables.ts";
import { runInProcess, type RunSettings } from "./command_line.ts";

/** A data directory that holds the settings alone. */
class Settings {
  text: string | null = null;
  readonly port: SettingsPort = {
    read: () => Promise.resolve(this.text),
    write: (_, text) => Promise.resolve(void (this.text = text)),
  };

  run(args: readonly string[], { ports, ...settings }: RunSettings = {}) {
    return runInProcess(args, { ...settings, ports: { ...ports, settingsFile: this.port } });
  }
}

Deno.test("config set, unset and show change one setting and leave the rest as it was written", async () => {
  const settings = new Settings();
  settings.text = '# mine\nalias = "ann" # me\n\ndirectories = [\n  "https://a.example",\n]\n';
  assertEquals((await settings.run(["config", "set", "listen", "127.0.0.1:7601"])).code, 0);
  assertEquals((await settings.run(["config", "set", "alias", 'A "nn"'])).code, 0);
  assertEquals(
    settings.text,
    `# mine\nalias = "A \\"nn\\""\n\ndirectories = [\n  "https://a.example",\n]\nlisten = "127.0.0.1:7601"\n`,
  );
  assertEquals((await settings.run(["config", "unset", "listen"])).code, 0);
  assertEquals((await settings.run(["config", "set", "allow-private", "true"])).code, 0);
  assertStringIncludes(settings.text, "allow-private = true\n");
  const urls = "https://b.example,https://c.example";
  assertEquals((await settings.run(["config", "set", "directories", urls])).code, 0);
  assertStringIncludes(settings.text, '"https://c.example"');

  const env = { OPENRED_ALIAS: "eve" };
  const shown = JSON.parse((await settings.run(["config", "show", "--json"], { env })).out);
  const of = (name: string) =>
    shown.settings.find((one: { readonly name: string }) => one.name === name);
  assertEquals(of("alias"), { name: "alias", value: "eve", from: "OPENRED_ALIAS" });
  assertEquals(of("directories"), { name: "directories", value: urls, from: "openred.toml" });
  assertEquals(of("pq"), { name: "pq", value: null, from: "default: prefer" });
});

Deno.test("run takes flags before variables, those before openred.toml, and that before defaults", async () => {
  const settings = new Settings();
  settings.text = 'alias = "file"\nlog-level = "warn"\nsession-life = 7200\nunlisted = true\n';
  let taken: RunOptions | null = null;
  const ports = { runNode: (options: RunOptions) => Promise.resolve(void (taken = options)) };
  const env = { OPENRED_ALIAS: "variable", OPENRED_LOG_LEVEL: "error" };
  assertEquals((await settings.run(["run", "--alias", "flag"], { env, ports })).code, 0);
  const { alias, logLevel, sessionLifeS, unlisted, maxConnections } =
    taken as unknown as RunOptions;
  assertEquals([alias, logLevel, sessionLifeS, unlisted], ["flag", "error", 7_200, true]);
  assertEquals(maxConnections, 100);
});

Deno.test("run hands what its first start was told on to be kept, and nothing else", async () => {
  const settings = new Settings();
  let kept: string | null = null;
  const ports = {
    runNode: (_: RunOptions, world: { readonly firstSettings: string | null }) =>
      Promise.resolve(void (kept = world.firstSettings)),
  };
  const env = { OPENRED_UNLISTED: "1" };
  const args = [
    "run",
    "--json",
    "--data",
    "d",
    "--allow-private",
    "--ca",
    "ca.pem",
    "--directories",
  ];
  assertEquals((await settings.run([...args, "https://a.example"], { env, ports })).code, 0);
  assertEquals(
    kept,
    'directories = [ "https://a.example" ]\nallow-private = true\nca = "/here/ca.pem"\n',
  );
  settings.text = "";
  await settings.run(args.slice(0, -1), { env, ports });
  assertEquals(kept, null);
});

Deno.test("a run that begins anew reads openred.toml again, and goes on as before where it holds nothing to start with", async () => {
  const settings = new Settings();
  settings.text = 'alias = "first"\n';
  const taken: (string | null)[] = [];
  const ports = {
    runNode: async (_: RunOptions, world: { readonly readAgain: () => Promise<RunOptions> }) => {
      for (const text of ['alias = "second"', "alias = = third", 'alais = "fourth"']) {
        settings.text = text;
        taken.push((await world.readAgain()).alias);
      }
    },
  };
  const { code, err } = await settings.run(["run"], { ports });
  assertEquals([code, ...taken], [0, "second", "first", "first"]);
  assertStringIncludes(err, "openred.toml: line 1: ");
  assertStringIncludes(err, "did you mean alias?; the node goes on with what it was told before");
});

Deno.test("settings and variables that nothing reads are named with the nearest right one", async () => {
  const settings = new Settings();
  const wrong = [
    ["aliass = 'x'", "no setting aliass; did you mean alias?"],
    ["data = 'x'", "no setting data"],
    ["alias = 1.5", "alias: expected a text"],
    ["alias = [1]", "alias: expected a text"],
    ["alias = ", "line 1"],
    ["listen = 'x'", "openred.toml: listen: expected HOST:PORT"],
    ["[alias]\nx = 1", "alias: expected a text"],
  ] as const;
  for (const [text, why] of wrong) {
    settings.text = text;
    for (const command of [["run"], ["config", "check"]]) {
      const { code, err } = await settings.run(command);
      assertEquals([text, code], [text, 2]);
      assertStringIncludes(err, why);
    }
  }
  settings.text = "alias = 'x'";
  assertEquals((await settings.run(["config", "check"])).code, 0);
  const env = { OPENRED_LISTNE: "1", OPENRED_URL: "for a directory", OTHER: "1" };
  const checked = await settings.run(["config", "check"], { env });
  assertEquals([checked.code, checked.err.includes("OPENRED_URL")], [2, false]);
  assertStringIncludes(checked.err, "OPENRED_LISTNE; did you mean OPENRED_LISTEN?");
  const run = await settings.run(["run"], { env });
  assertEquals(run.code, 0);
  assertStringIncludes(run.err, "did you mean OPENRED_LISTEN?");
});

Deno.test("nearest() finds what somebody may have meant, and nothing far away", () => {
  const words = ["listen", "alias", "ca", "directories"];
  assertEquals(["lisen", "LISTEN", "direcotries", "alais"].map((word) => nearest(word, words)), [
    "listen",
    "listen",
    "directories",
    "alias",
  ]);
  for (const word of ["", "x", "zzzzzz"]) assertEquals(nearest(word, words), null, word);
});

Deno.test("variables of a directory are none that nothing reads", () => {
  const own = Object.values<{ readonly variable?: string }>(RUN_OPTIONS).map(({ variable }) =>
    variable
  );
  const others = (["run", "relay", "doctor"] as const).flatMap((word) => [...centralRows(word)])
    .flatMap(({ variable }) => variable === null || own.includes(variable) ? [] : [variable]);
  assert(others.length > 0);
  for (const name of others) assert(OTHER_VARIABLES.includes(name), name);
});
