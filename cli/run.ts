/**
 * `openred-node run`: what it is called with. The composition root says what it does.
 *
 * @module
 */
import { defineCommand, type NodeCommand } from "./command.ts";
import type { Output } from "./output.ts";
import type { PassphrasePorts } from "./passphrase_source.ts";
import { checkRunOptions, RUN_OPTIONS, type RunOptions } from "./run_options.ts";

/** Runs a node until it is told to stop. */
export type RunNode = (
  options: RunOptions,
  world: {
    readonly out: Output;
    readonly err: Output;
    readonly signal: AbortSignal;
    readonly passphrases: PassphrasePorts;
  },
) => Promise<void>;

/** Makes the command that starts a node. */
export function runCommand(runNode: RunNode): NodeCommand {
  return defineCommand({
    name: "run",
    summary: "run a node until Ctrl-C",
    details:
      'With --json the line ready {"url":…,"id":…} on standard output says that the node answers.\n' +
      "Interrupt it once to stop it in order, twice to stop it at once.",
    words: [],
    options: RUN_OPTIONS,
    run: ({ options, out, err, signal, ...passphrases }) =>
      runNode(checkRunOptions(options), { out, err, signal, passphrases }),
  });
}
