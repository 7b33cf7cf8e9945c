import { sharedFiles } from "./scenarios/files.ts";
import { behindRelay, brokenLinks, directWays, lyingRelay } from "./scenarios/relay.ts";
import { replayCommand, runSeed } from "./run.ts";

/** How many seeds of each. */
const APART = [
  [behindRelay, 6],
  [brokenLinks, 6],
  [lyingRelay, 6],
  [directWays, 6],
  [sharedFiles, 4],
] as const;

for (const [{ name }, seeds] of APART) {
  Deno.test(`nodes keep their promises in "${name}" with seeds 1 to ${seeds}`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await runSeed({ seed, scenario: name });
      if (result.failure === null) continue;
      const lines = result.lastLines.slice(-60).join("\n");
      throw new Error(`Seed ${seed} failed\n${lines}\nReplay: ${replayCommand(result)}`, {
        cause: result.failure,
      });
    }
  });
}
