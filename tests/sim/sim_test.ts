import { assertEquals, assertNotEquals } from "@std/assert";
import { replayCommand, runSeed } from "./run.ts";
import { SCENARIOS } from "./scenarios/mod.ts";

const SEEDS = 224;
const GROUPS = 8;

async function holds(seed: number, scenario?: string): Promise<void> {
  const result = await runSeed({ seed, scenario });
  if (result.failure === null) return;
  const lines = result.lastLines.slice(-60).join("\n");
  throw new Error(
    `Seed ${seed} (${result.scenario}) failed\n${lines}\nReplay: ${replayCommand(result)}`,
    { cause: result.failure },
  );
}

Deno.test("a run does the same again for the same seed, and something else for another", async () => {
  const [first, again, other] = [
    await runSeed({ seed: 20, scenario: "mixture" }),
    await runSeed({ seed: 20, scenario: "mixture" }),
    await runSeed({ seed: 21, scenario: "mixture" }),
  ];
  assertEquals(first.digest, again.digest);
  assertNotEquals(first.digest, other.digest);
});

for (let group = 0; group < GROUPS; group++) {
  const first = group * SEEDS / GROUPS;
  const last = first + SEEDS / GROUPS - 1;
  Deno.test(`a network of three nodes keeps its promises with seeds ${first} to ${last}`, async () => {
    for (let seed = first; seed <= last; seed++) await holds(seed);
  });
}

for (const { name } of SCENARIOS) {
  Deno.test(`a network of three nodes keeps its promises in "${name}" with ML-KEM`, async () => {
    await holds(1_000, name);
  });
}
