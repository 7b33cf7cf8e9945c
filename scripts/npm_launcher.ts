/**
 * The programs of the npm package: JavaScript for whatever runs npm packages.
 *
 * @module
 */
import { RUNTIME_OPTIONS } from "./program_code.ts";
import { permissionsOf, type Program } from "./program_permissions.ts";

/** The runtime that the project is tested with. */
export const DENO_VERSION = "2.9.6";

/** Runs the code beside it, passes signals on, and ends as they end. */
export function launcherOf(program: Program): string {
  const options = [
    "run",
    "--quiet",
    "--no-config",
    "--no-lock",
    ...RUNTIME_OPTIONS,
    ...permissionsOf(program),
  ];
  return `#!/usr/bin/env node
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
// The package's own program would stand in between, and end without the one that it started.
const runtime = createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
const options = ${JSON.stringify(options)};
const child = spawn(
  runtime,
  [...options, join(here, "${program}.js"), ...process.argv.slice(2)],
  // The manifest is for npm alone: nothing of it is to be looked up.
  { stdio: "inherit", env: { ...process.env, DENO_NO_PACKAGE_JSON: "1", DENO_NO_UPDATE_CHECK: "1" } },
);
// A terminal sends Ctrl-C to both; what is sent to this process alone is passed on.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error("openred: cannot start the runtime:", error.message);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
`;
}
