import { runSeed } from "./run.ts";

const SEEDS = 20;
/** Where the statement that removed somebody is displaced by another story. */
const TAKEN_BACK = 119;
/** Where somebody is set back to before they, or all others, came in; and to before they were invited. */
const SET_BACK = [225, 237];
/** Where the statement that added somebody is displaced, who is added again later. */
const ADDED_AGAIN = 343;

for (
  const seed of [
    ...Array.from({ length: SEEDS }, (_, index) => index + 1),
    TAKEN_BACK,
    ...SET_BACK,
    ADDED_AGAIN,
  ]
) {
  Deno.test(`a group in bad weather ends alike with all of its members (seed ${seed})`, async () => {
    await runSeed(seed);
  });
}
