import { assert } from "@std/assert";
import { runMessageKills } from "./message_kill_run.ts";

/** `deno run -A tests/crash/main.ts --message-kills 100 --kills 0 --file-faults 0 --skip-disks` kills as many as one likes. */
const KILLS = 3;

Deno.test("Nothing that was said is lost or there twice, whoever of the two is killed meanwhile", async () => {
  const seed = String(Math.floor(Math.random() * 2 ** 32));
  const report = await runMessageKills({ kills: KILLS, seed, say: () => {} });
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  assert(report.kills >= KILLS && report.texts > 0 && report.changes > 0);
});
