/**
 * `openred-node completion <shell>` and `openred-node manual`.
 *
 * @module
 */
import { completionScript, SHELLS } from "../usage/completion.ts";
import { manualPage } from "../usage/manual.ts";
import type { CommandUsage, ProgramUsage } from "../usage/program.ts";
import { type ArgumentSpec, defineCommand, type NodeCommand } from "./command.ts";
import { usageError } from "./command_error.ts";
import { FAMILIES, PROGRAM_NAME, PROGRAM_SUMMARY } from "./program_words.ts";

function operandOf({ name, isOptional, isRepeated }: ArgumentSpec): string {
  const shown = isRepeated ? `${name}...` : name;
  return isOptional ? `[${shown}]` : `<${shown}>`;
}

function usageOf(command: NodeCommand): CommandUsage {
  return {
    words: command.name.split(" "),
    summary: command.summary,
    details: command.details,
    operands: command.words.map(operandOf),
    options: Object.values(command.options).map(({ flag, value, summary, variable }) => ({
      flag: `--${flag}`,
      value: value ?? null,
      summary,
      variable: variable ?? null,
    })),
  };
}

function programOf(commands: readonly NodeCommand[]): ProgramUsage {
  return {
    name: PROGRAM_NAME,
    summary: PROGRAM_SUMMARY,
    families: FAMILIES,
    commands: commands.map(usageOf),
  };
}

/** What helps the shell and the reader of manuals; both are made from the commands themselves. */
export function usageCommands(
  loadAll: () => Promise<readonly NodeCommand[]>,
): readonly NodeCommand[] {
  const completion = defineCommand({
    name: "completion",
    summary: "print a script by which a shell completes these commands",
    details: "To have it in every shell from now on:\n" +
      "\n" +
      "  bash  openred-node completion bash > \\\n" +
      "          ~/.local/share/bash-completion/completions/openred-node\n" +
      "  zsh   openred-node completion zsh > a folder of $fpath, as _openred-node\n" +
      "  fish  openred-node completion fish > \\\n" +
      "          ~/.config/fish/completions/openred-node.fish",
    words: [{ name: "shell", summary: SHELLS.join(", ") }],
    options: {},
    async run({ words, out }) {
      const shell = SHELLS.find((one) => one === words[0]);
      if (shell === undefined) throw usageError(`Name a shell: ${SHELLS.join(", ")}`);
      await out.raw(completionScript(programOf(await loadAll()), shell));
    },
  });
  const manual = defineCommand({
    name: "manual",
    summary: "print the manual page",
    details: "To read it, or to have it for good:\n" +
      "\n" +
      "  openred-node manual | man -l -\n" +
      "  openred-node manual > /usr/local/share/man/man1/openred-node.1",
    words: [],
    options: {},
    async run({ out, version }) {
      await out.raw(manualPage(programOf(await loadAll()), version));
    },
  });
  return [completion, manual];
}
