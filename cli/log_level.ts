/**
 * `openred-node log level`.
 *
 * @module
 */
import { LOG_LEVELS } from "../ports/ports.ts";
import { defineCommand, type NodeCommand } from "./command.ts";
import { usageError } from "./command_error.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

function readLevel(word: string | undefined): typeof LOG_LEVELS[number] | null {
  if (word === undefined) return null;
  const level = LOG_LEVELS.find((one) => one === word);
  if (level === undefined) throw usageError(`<level>: expected one of ${LOG_LEVELS.join(", ")}`);
  return level;
}

const logLevelCommand = defineCommand({
  name: "log level",
  summary: "print the least that the running node logs, or change it until it stops",
  details: "docs/LOG.md lists what there is to read.",
  words: [{ name: "level", summary: LOG_LEVELS.join(", "), isOptional: true }],
  options: COMMON_OPTIONS,
  async run({ options, words, out, openNode }) {
    const wanted = readLevel(words[0]);
    const view = await (await openNode()).logLevel(wanted);
    if (options.json) await out.json(view);
    else await out.line(view.level);
  },
});

export const LOG_COMMANDS: readonly NodeCommand[] = [logLevelCommand];
