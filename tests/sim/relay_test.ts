import { behindRelay, brokenLinks, directWays, lyingRelay } from "./scenarios/relay.ts";
import { replayCommand, runSeed } from "./run.ts";

const SEEDS = 6;

for (const { name } of [behindRelay, brokenLinks, lyingRelay, directWays]) {
  Deno.test(`nodes keep their promises in "${name}" with seeds 1 to ${SEEDS}`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runSeed({ seed, scenario: name });
      if (result.failure === null) continue;
      const lines = result.lastLines.slice(-60).join("\n");
      throw new Error(`Seed ${seed} failed\n${lines}\nReplay: ${replayCommand(result)}`, {
        cause: result.failure,
      });
    }
  });
}
