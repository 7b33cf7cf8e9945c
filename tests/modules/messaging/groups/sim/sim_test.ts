import { runSeed } from "./run.ts";

const SEEDS = 20;

for (let seed = 1; seed <= SEEDS; seed++) {
  Deno.test(`a group in bad weather ends alike with all of its members (seed ${seed})`, async () => {
    await runSeed(seed);
  });
}
