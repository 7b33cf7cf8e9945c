/**
 * The crash suite in full: `--kills N --seed S`, then a disk that is full and one that cannot be written.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runBadDisks, whyNoBadDisks } from "./bad_disk_run.ts";
import { runKills } from "./kill_run.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { kills: { type: "string", default: "300" }, seed: { type: "string" } },
});
const seed = values.seed ?? String(Date.now());
const say = (line: string) => console.log(line);
say(`seed ${seed}`);
say(JSON.stringify(await runKills({ kills: Number(values.kills), seed, say })));
const reason = whyNoBadDisks();
if (reason === null) say(JSON.stringify(await runBadDisks(say)));
else say(`skipped, the full and the read-only disk: ${reason}`);
