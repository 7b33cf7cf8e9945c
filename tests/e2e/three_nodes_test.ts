import { LocalNetwork } from "../../scripts/local_network/network.ts";
import { sourcePrograms } from "../../scripts/local_network/programs.ts";
import { NAMES, STEPS } from "./scenario.ts";

Deno.test("three node processes and a directory process", async (t) => {
  await using network = await LocalNetwork.start({
    programs: sourcePrograms,
    names: NAMES,
    onLog: () => {},
    signal: new AbortController().signal,
  });
  for (const { name, run } of STEPS) {
    if (!await t.step(name, () => run(network))) break;
  }
});
