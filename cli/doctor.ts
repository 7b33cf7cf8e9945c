/**
 * `openred-node doctor`.
 *
 * @module
 */
import { type Check, type CheckState, good, unknown } from "../protocol/doctor.ts";
import { type FoundData, withDataWords } from "./data_words.ts";
import { CommandError, failure } from "./command_error.ts";
import { defineCommand, type NodeCommand } from "./command.ts";
import type { Output, Style } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const STYLES: Readonly<Record<CheckState, Style>> = {
  ok: "green",
  wrong: "red",
  unknown: "yellow",
  advice: "yellow",
};
const WIDTH = "unknown".length + 2;

async function printCheck(out: Output, { name, state, found, means, mend }: Check): Promise<void> {
  const gap = " ".repeat(WIDTH - state.length);
  await out.line({ text: state, style: STYLES[state] }, gap, `${name}: ${found}`);
  if (means !== null) await out.line(" ".repeat(WIDTH), means);
  if (mend !== null) await out.line(" ".repeat(WIDTH), { text: `→ ${mend}`, style: "cyan" });
}

/** A check whose commands lead to this node. */
function typed(check: Check, found: FoundData | null): Check {
  const { mend } = check;
  return mend === null ? check : { ...check, mend: withDataWords(mend, found) };
}

/** Prints what is wrong with a node and how to mend it. */
export const doctorCommand: NodeCommand = defineCommand({
  name: "doctor",
  summary: "find what is wrong with the node, and how to mend it",
  details:
    "Looks at the data directory and the runtime, and has the running node look at its address,\n" +
    "its directories, its clock and its warnings. Exit code 1 if something is wrong.",
  words: [],
  options: COMMON_OPTIONS,
  async run({ options, out, keeper, foundData, openNode }) {
    const checks = [...await keeper.examine(options.data)];
    try {
      const node = await openNode();
      const { version } = await node.status();
      checks.push(
        good("node", `The node runs, version ${version}`),
        ...(await node.checks()).checks,
      );
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      checks.push(unknown("node", {
        found: error.message,
        mend: "While it runs, its address, directories and clock are looked at too",
      }));
    }
    const count = checks.filter(({ state }) => state === "wrong").length;
    if (options.json) await out.json({ ok: count === 0, checks });
    else for (const check of checks) await printCheck(out, typed(check, foundData));
    if (count > 0) throw failure(`${count} ${count === 1 ? "check is" : "checks are"} wrong`);
  },
});
