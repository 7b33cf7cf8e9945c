/**
 * The crash suite in full: `--kills N --file-faults N --message-kills N --seed S`, then a disk that is full and one that
 * cannot be written, unless `--skip-disks`: they need the right to mount. Files are of `--file-mib N`, on a line of
 * `--line-mib N` a second, and have a fault for each fifth.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { runBadDisks, whyNoBadDisks } from "./bad_disk_run.ts";
import { runFileFaults } from "./file_fault_run.ts";
import { runMessageKills } from "./message_kill_run.ts";
import { runKills } from "./kill_run.ts";
import { tellWhole } from "./told.ts";

/** Of each byte of a file; whatever was fetched is not fetched again. */
const MAX_SHARE = 1.02;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    kills: { type: "string", default: "300" },
    "file-faults": { type: "string", default: "200" },
    "file-mib": { type: "string", default: "512" },
    "line-mib": { type: "string", default: "16" },
    "message-kills": { type: "string", default: "100" },
    seed: { type: "string" },
    "skip-disks": { type: "boolean", default: false },
  },
});
const seed = values.seed ?? String(Date.now());
const fileMiB = Number(values["file-mib"]);
const ofFiles = {
  faults: Number(values["file-faults"]),
  fileMiB,
  everyMiB: fileMiB / 5,
  mibPerSecond: Number(values["line-mib"]),
};
const say = (line: string) => console.log(line);

async function runAll(): Promise<void> {
  say(`seed ${seed}`);
  say(JSON.stringify(await runKills({ kills: Number(values.kills), seed, say })));
  const files = await runFileFaults({ ...ofFiles, seed, say });
  say(JSON.stringify(files));
  if (files.share > MAX_SHARE) throw new Error(`Expected at most ${MAX_SHARE} of a file to come`);
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
