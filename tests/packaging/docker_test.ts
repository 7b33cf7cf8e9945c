import { assert, assertEquals, assertMatch } from "@std/assert";
import { RUN_OPTIONS } from "../../cli/run_options.ts";
import { parseOptions } from "../../directory/options.ts";
import { centralRows } from "../../scripts/configuration_tables.ts";
import { WORKERS } from "../../scripts/program_code.ts";

const DOCKER = new URL("../../packaging/docker/", import.meta.url);

function readText(name: string): string {
  return Deno.readTextFileSync(new URL(name, DOCKER));
}

/** The lines below a key, without its indentation. */
function below(lines: readonly string[], key: string): string[] {
  const start = lines.indexOf(`${key}:`) + 1;
  assert(start > 0, key);
  const length = lines.slice(start).findIndex((line) => /^[^ ]/.test(line));
  const inner = lines.slice(start, length < 0 ? undefined : start + length);
  return inner.map((line) => line.slice(2));
}

interface Service {
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
}

/** Reads the services of the file, which keeps to a form that this understands. */
function readServices(): ReadonlyMap<string, Service> {
  const services = below(readText("compose.yaml").split("\n"), "services");
  const names = services.flatMap((line) => /^([a-z]+):$/.exec(line)?.[1] ?? []);
  return new Map(names.map((name) => {
    const lines = below(services, name);
    const command = lines.find((line) => line.startsWith("command: "))!.slice("command: ".length);
    const environment = below(lines, "environment").filter((line) => line !== "").map((line) => {
      const [, variable, value] = /^([A-Z_]+): "([^"]*)"$/.exec(line) ?? [];
      assert(variable !== undefined && value !== undefined, line);
      return [variable, value] as const;
    });
    return [name, { command: JSON.parse(command), environment: new Map(environment) }];
  }));
}

/** What the image sets for every container. */
function readImage(): ReadonlyMap<string, string> {
  const found = readText("Dockerfile").matchAll(/(OPENRED_[A-Z_]+)=(\S+)/g);
  return new Map([...found].map(([, name, value]) => [name!, value!]));
}

function checkCentral(environment: ReadonlyMap<string, string>): void {
  const rows = centralRows("run");
  const flags = [...environment].flatMap(([variable, value]) => {
    const row = rows.find((one) => one.variable === variable);
    assert(row !== undefined, `openred-central reads no ${variable}`);
    const [flag = ""] = row.flag.split(" ");
    return [flag, value];
  });
  let err = "";
  const output = { version: "3", out: () => {}, err: (text: string) => err += text };
  assertEquals([parseOptions(["run", ...flags], output).kind, err], ["run", ""]);
}

function checkNode(environment: ReadonlyMap<string, string>): void {
  for (const [variable, value] of environment) {
    const spec = Object.values(RUN_OPTIONS).find((one) => one.variable === variable);
    assert(spec !== undefined, `openred-node reads no ${variable}`);
    if ("parse" in spec) spec.parse(value);
    else assertEquals(value, "1");
  }
}

Deno.test("The programs take what the compose file and the image tell them", () => {
  const services = readServices();
  const image = readImage();
  assertEquals(image.size, 3);
  assertEquals([...services.keys()], ["directory", "alice", "bob"]);
  for (const { command, environment } of services.values()) {
    const all = new Map([...image, ...environment]);
    assertEquals(command[1], "run");
    if (command[0] === "openred-central") checkCentral(all);
    else {
      assertEquals(command[0], "openred-node");
      checkNode(all);
      assertEquals(
        all.get("OPENRED_RELAY"),
        services.get("directory")!.environment.get("OPENRED_URL"),
      );
    }
  }
});

Deno.test("The image has its bases by tag, and its program is not root", () => {
  const dockerfile = readText("Dockerfile");
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base!);
  assertEquals(bases.length, 2);
  for (const base of bases) assertMatch(base, /:[a-z0-9.-]*\d+\.\d+[a-z0-9.-]*$/);
  const ci = Deno.readTextFileSync(new URL("../../.ci/run", DOCKER));
  const [, deno = "none"] = /DENO_PACKAGE=deno@(\S+)/.exec(ci) ?? [];
  assert(bases[0]!.endsWith(`-${deno}`), `${bases[0]}: the tests run on ${deno}`);
  assertMatch(dockerfile, /^USER openred$/m);
  const words = dockerfile.matchAll(/^COPY (?!--from)(\S+)/gm);
  for (const [, path] of words) Deno.statSync(new URL(`../../${path}`, DOCKER));
});

Deno.test({
  name: "The health check of the image tells a program that answers from one that does not",
  ignore: Deno.build.os === "windows",
  async fn() {
    let status = 200;
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    await using server = Deno.serve(
      options,
      ({ url }) =>
        new Response("", { status: new URL(url).pathname === "/healthz" ? status : 404 }),
    );
    const check = async (port: number) => {
      const { code } = await new Deno.Command("bash", {
        args: [new URL("healthcheck", DOCKER).pathname],
        env: { OPENRED_METRICS_LISTEN: `127.0.0.1:${port}` },
        stderr: "null",
      }).output();
      return code === 0;
    };
    assertEquals(await check(server.addr.port), true);
    status = 503;
    assertEquals(await check(server.addr.port), false);
    assertEquals(await check(1), false);
  },
});

/** The sources that a program, or a script that makes it, is made of, as paths from the root. */
async function sourcesOf(path: string): Promise<readonly string[]> {
  const root = new URL("../../", import.meta.url);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", path],
    cwd: root,
    stdin: "null",
  }).output();
  assert(success, path);
  const { modules }: { modules: readonly { specifier: string }[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  return modules.flatMap(({ specifier }) =>
    specifier.startsWith(root.href) ? [specifier.slice(root.href.length)] : []
  );
}

Deno.test("what the image is made from has every source of the programs, and the licences", async () => {
  const lines = readText("Dockerfile.dockerignore").split("\n").filter((line) => line !== "");
  const taken = lines.filter((line) => line.startsWith("!")).map((line) =>
    new RegExp(`^${RegExp.escape(line.slice(1)).replaceAll("\\*", "[^/]*")}(/|$)`)
  );
  const made = ["central.ts", "node.ts", "scripts/compile.ts", "scripts/console.ts"];
  const sources = await Promise.all(
    [...made, ...WORKERS.map((path) => `${path}.ts`)].map(sourcesOf),
  );
  const licenses = [...Deno.readDirSync(new URL("../../packaging/licenses", import.meta.url))];
  const needed = [...sources.flat(), ...licenses.map(({ name }) => `packaging/licenses/${name}`)];
  const left = needed.filter((path) => !taken.some((pattern) => pattern.test(path)));
  assertEquals([left, needed.length > 100], [[], true]);
});
