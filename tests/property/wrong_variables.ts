/**
 * Has openred-central read each of its variables with values that no option takes, and prints what it says of each. A
 * process of its own, since variables belong to all tests of one. Standard input: `[variable, values][]` as JSON.
 *
 * @module
 */
import { parseCentral } from "./parse_central.ts";

const wrong: readonly [string, readonly string[]][] = await new Response(Deno.stdin.readable)
  .json();
const said = wrong.flatMap(([variable, values]) => {
  const answers = values.map((text) => {
    Deno.env.set(variable, text);
    return { variable, text, ...parseCentral(["run"]) };
  });
  Deno.env.delete(variable);
  return answers;
});
console.log(JSON.stringify(said));
