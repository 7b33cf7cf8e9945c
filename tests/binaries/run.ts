/**
 * Runs the three-node exchange on the compiled binaries, and each of them among files of others: `deno run -A tests/binaries/run.ts [FOLDER]`.
 * The folder is `dist` unless named. Ends with the counts in the form of `deno test`.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { LocalNetwork } from "../../scripts/local_network/network.ts";
import { binaryPrograms } from "../../scripts/local_network/programs.ts";
import { NAMES, STEPS } from "../e2e/scenario.ts";
import { runAmongForeignFiles } from "./foreign_files.ts";
import { runFirstJourney } from "./journey.ts";
import { runModules } from "./modules.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface Count {
  passed: number;
  failed: number;
}

async function check(count: Count, name: string, run: () => Promise<void>): Promise<boolean> {
  try {
    await run();
    console.log(`${name} ... ok`);
    count.passed += 1;
    return true;
  } catch (error) {
    console.log(`${name} ... FAILED\n${error instanceof Error ? error.stack : error}`);
    count.failed += 1;
    return false;
  }
}

async function runScenario(folder: string, count: Count): Promise<void> {
  await using network = await LocalNetwork.start({
    programs: binaryPrograms(folder),
    names: NAMES,
    onLog: () => {},
    signal: new AbortController().signal,
  });
  for (const { name, run } of STEPS) {
    if (!await check(count, `binaries: ${name}`, () => run(network))) return;
  }
  await check(count, "binaries: modules from files, good and bad", () => runModules(network));
}

async function outputOf(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args], cwd })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function checkSums(folder: string): Promise<void> {
  const lines = (await outputOf("sha256sum", ["--check", "SHA256SUMS"], folder)).trim().split("\n");
  assertEquals(lines, [
    "openred-central: OK",
    "openred-node: OK",
    "THIRD-PARTY-NOTICES.txt: OK",
  ]);
}

async function checkVersion(binary: string): Promise<void> {
  const [first, second] = (await outputOf(binary, ["--version"], ROOT)).split("\n");
  assertEquals(first, project.version);
  assertMatch(second ?? "", /^commit [0-9a-f]{12}( with changes)? of \d{4}-\d\d-\d\d, Deno \d/);
}

async function checkLicenses(binary: string, folder: string): Promise<void> {
  const notices = await Deno.readTextFile(`${folder}/THIRD-PARTY-NOTICES.txt`);
  for (const name of ["hash-wasm", "@redis/client", "preact", "tslib"]) {
    assertMatch(notices, new RegExp(`^${name} \\d`, "m"));
  }
  for (const name of ["axe-core", "fast-check", "playwright-core"]) {
    assert(!notices.includes(name), name);
  }
  assertEquals(await outputOf(binary, ["--licenses"], ROOT), notices);
}

async function runDev(folder: string): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", `--config=${ROOT}deno.json`, `${ROOT}scripts/dev.ts`],
      ...["--once", "--binaries", folder],
    ],
    // A program that hangs is ended, and fails its test.
    signal: AbortSignal.timeout(120_000),
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) {
    throw new Error(`exit code ${code}\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  }
}

const folder = Deno.args[0] ?? `${ROOT}dist`;
const count: Count = { passed: 0, failed: 0 };
const { command } = binaryPrograms(folder);
await check(count, "binaries: SHA256SUMS names both and the notices", () => checkSums(folder));
for (const program of ["central", "node"] as const) {
  const [binary = ""] = command(program, "");
  await check(
    count,
    `binaries: openred-${program} says of what it was made`,
    () => checkVersion(binary),
  );
  await check(
    count,
    `binaries: openred-${program} has the notices of what is in it`,
    () => checkLicenses(binary, folder),
  );
  await check(
    count,
    `binaries: openred-${program} takes and leaves no file of others`,
    () => runAmongForeignFiles(binary),
  );
}
await check(count, "binaries: the three-node exchange", () => runDev(folder));
await check(
  count,
  "binaries: the first journey, in five commands without a quote",
  () => runFirstJourney(folder),
);
try {
  await runScenario(folder, count);
} catch (error) {
  console.log(`binaries: start ... FAILED\n${error instanceof Error ? error.message : error}`);
  count.failed += 1;
}
console.log(
  `\n${count.failed === 0 ? "ok" : "FAILED"} | ${count.passed} passed | ${count.failed} failed`,
);
Deno.exit(count.failed === 0 ? 0 : 1);
