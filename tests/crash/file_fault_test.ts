import { assert } from "@std/assert";
import { runFileFaults } from "./file_fault_run.ts";

/** `deno run -A tests/crash/main.ts --file-faults 200 --kills 0 --message-kills 0 --skip-disks` has as many as one likes. */
const FAULTS = 5;
/** What a receiver that dies has in hand on a slow line: of two requests a chunk that comes, and two at most that are opened. */
const MOST_LOST_MIB = 6;

Deno.test("A file arrives whole and little of it twice, whichever end dies, the line breaks or the disk is full", async () => {
  const seed = String(Math.floor(Math.random() * 2 ** 32));
  const sizes = { fileMiB: 24, everyMiB: 6, mibPerSecond: 8 };
  const report = await runFileFaults({ faults: FAULTS, ...sizes, seed, say: () => {} });
  console.log(`seed ${seed}: ${JSON.stringify(report)}`);
  assert(report.files > 0);
  assert(report.lostMiB <= MOST_LOST_MIB, `${report.lostMiB} MiB came twice for each fault`);
});
