/**
 * What the shell and the reader of manuals are told of `openred-central`.
 *
 * @module
 */
import { Argument, type Command } from "commander";
import { completionScript, type Shell, SHELLS } from "../usage/completion.ts";
import { manualPage } from "../usage/manual.ts";
import type { CommandUsage, ProgramUsage } from "../usage/program.ts";

function isFamily({ commands }: Command): boolean {
  return commands.length > 0;
}

function summaryOf(command: Command): string {
  return command.description().replace(/\.$/, "");
}

function commandUsage(command: Command, words: readonly string[]): CommandUsage {
  return {
    words,
    summary: summaryOf(command),
    details: "",
    operands: command.registeredArguments.map((argument) => `<${argument.name()}>`),
    options: command.options.map((one) => ({
      flag: one.long ?? one.flags,
      value: /<(.+)>/.exec(one.flags)?.[1] ?? null,
      summary: one.description,
      variable: one.envVar ?? null,
    })),
  };
}

/** What the shell and the reader of manuals are told. */
function usageOf(program: Command): ProgramUsage {
  return {
    name: program.name(),
    summary: program.description(),
    families: Object.fromEntries(
      program.commands.filter(isFamily).map((family) => [family.name(), summaryOf(family)]),
    ),
    commands: program.commands.flatMap((command) =>
      isFamily(command)
        ? command.commands.map((inner) => commandUsage(inner, [command.name(), inner.name()]))
        : [commandUsage(command, [command.name()])]
    ),
  };
}

/** Adds `completion` and `manual`. */
export function addUsageCommands(
  program: Command,
  output: { readonly version: string; readonly out: (text: string) => void },
): void {
  program.command("completion").description(
    "Print a script by which a shell completes these commands.",
  )
    .addArgument(new Argument("<shell>").choices(SHELLS))
    .action((shell: Shell) => output.out(completionScript(usageOf(program), shell)));
  program.command("manual").description("Print the manual page.")
    .action(() => output.out(manualPage(usageOf(program), output.version)));
}
