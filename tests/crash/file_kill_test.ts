import { assert } from "@std/assert";
import { runFileKills } from "./file_kill_run.ts";

/** `deno run -A tests/crash/main.ts --file-kills 200 --kills 0 --skip-disks` kills as many as one likes. */
const KILLS = 4;

Deno.test("A file arrives once and whole, whoever of its two ends is killed on the way", async () => {
  const seed = String(Math.floor(Math.random() * 2 ** 32));
  const report = await runFileKills({ kills: KILLS, seed, say: () => {} });
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  assert(report.kills >= KILLS && report.files > 0);
});
