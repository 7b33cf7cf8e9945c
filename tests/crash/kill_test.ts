import { assert } from "@std/assert";
import { Child, type Ready } from "../../scripts/local_network/child.ts";
import {
  childEnvironment,
  type ProgramName,
  sourcePrograms,
} from "../../scripts/local_network/programs.ts";
import { pause } from "../../scripts/local_network/timeout.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { runKills } from "./kill_run.ts";

/** `deno run -A tests/crash/main.ts --kills N --seed S` kills as many as one likes. */
const KILLS = 12;
const FIRST_STARTS = 3;
/** A process is killed at a moment of its start, which takes real time. */
const MAX_START_MS = 900;

function startOnce(program: ProgramName, data: string): { child: Child; ready: Promise<Ready> } {
  const words = ["run", "--json", "--listen", "127.0.0.1:0", "--data", data, "--allow-private"];
  const command = [...sourcePrograms.command(program, data), ...words];
  const child = new Child({ name: program, command, env: childEnvironment(), onLog: () => {} });
  return { child, ready: child.untilReady() };
}

Deno.test("Processes killed at any moment find their data, and nothing acknowledged is lost or doubled", async () => {
  const seed = String(Math.floor(Math.random() * 2 ** 32));
  const report = await runKills({ kills: KILLS, seed, say: () => {} });
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  assert(report.kills >= KILLS && report.delivered > KILLS);
  assert(report.renewals > 0 && report.auditLogs > 0);
});

for (const program of ["central", "node"] as const) {
  Deno.test(`A ${program} killed in its first start opens what that left`, async () => {
    using data = makeTemporaryDirectory();
    for (let count = 0; count < FIRST_STARTS; count++) {
      const { child, ready } = startOnce(program, data.path);
      ready.catch(() => {});
      await pause(Math.floor(Math.random() * MAX_START_MS));
      await child.kill();
    }
    const { child, ready } = startOnce(program, data.path);
    const { id } = await ready;
    await child.kill();
    const again = startOnce(program, data.path);
    assert((await again.ready).id === id);
    await again.child.stop();
  });
}
