/**
 * The crash suite in full: `--kills N --file-kills N --message-kills N --seed S`, then a disk that is full and one that cannot be
 * written, unless `--skip-disks`: they need the right to mount.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runBadDisks, whyNoBadDisks } from "./bad_disk_run.ts";
import { runFileKills } from "./file_kill_run.ts";
import { runMessageKills } from "./message_kill_run.ts";
import { runKills } from "./kill_run.ts";
import { tellWhole } from "./told.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    kills: { type: "string", default: "300" },
    "file-kills": { type: "string", default: "200" },
    "message-kills": { type: "string", default: "100" },
    seed: { type: "string" },
    "skip-disks": { type: "boolean", default: false },
  },
});
const seed = values.seed ?? String(Date.now());
const say = (line: string) => console.log(line);

async function runAll(): Promise<void> {
  say(`seed ${seed}`);
  say(JSON.stringify(await runKills({ kills: Number(values.kills), seed, say })));
  say(JSON.stringify(await runFileKills({ kills: Number(values["file-kills"]), seed, say })));
  say(JSON.stringify(await runMessageKills({ kills: Number(values["message-kills"]), seed, say })));
  if (!values["skip-disks"]) {
    const reason = whyNoBadDisks();
    if (reason !== null) {
      throw new Error(`The full and the read-only disk were not tried: ${reason}`);
    }
    say(JSON.stringify(await runBadDisks(say)));
  }
}

try {
  await runAll();
} catch (error) {
  console.error(tellWhole(error));
  Deno.exit(1);
}
