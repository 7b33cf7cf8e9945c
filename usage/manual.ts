/**
 * Manual pages, in the macros of man(7).
 *
 * @module
 */
import { EXIT_MEANINGS } from "./exit_meanings.ts";
import type { CommandUsage, OptionUsage, ProgramUsage } from "./program.ts";

/** Of both programs, without a command; help is there for each command too. */
const GENERAL_OPTIONS: readonly OptionUsage[] = [
  { flag: "--help", value: null, summary: "print the help", variable: null },
  { flag: "--version", value: null, summary: "print the version", variable: null },
  {
    flag: "--licenses",
    value: null,
    summary: "print the licences of the packages in it",
    variable: null,
  },
];

/** Text as it is: no request begins a line, and a backslash and a minus are themselves. */
function escape(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^([.'])/gm, "\\&$1");
}

/** A word of a macro's argument. */
function argument(text: string): string {
  return `"${escape(text).replaceAll('"', "\\(dq")}"`;
}

function optionEntry({ flag, value, summary, variable }: OptionUsage): string {
  const name = value === null ? escape(flag) : `${escape(flag)} ${escape(value)}`;
  const also = variable === null ? "" : ` (${variable})`;
  return `.TP\n.B ${argument(name.replaceAll("\\-", "-"))}\n${escape(summary + also)}`;
}

/** Lines that stand apart: examples, indented in the help, keep their breaks. */
function prose(text: string): string {
  return text.split("\n").map((line) => {
    if (line === "") return ".PP";
    return line.startsWith("  ") ? `.br\n${escape(line)}` : escape(line);
  }).join("\n");
}

function commandSection(program: ProgramUsage, command: CommandUsage): string {
  const synopsis = [program.name, ...command.words, ...command.operands, "[options]"].join(" ");
  return [
    `.SS ${argument(command.words.join(" "))}`,
    `.B ${argument(synopsis)}`,
    ".PP",
    `${escape(`${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`)}`,
    ...(command.details === "" ? [] : [".PP", prose(command.details)]),
    ...command.options.map(optionEntry),
  ].join("\n");
}

/** The page of a program, section 1. */
export function manualPage(program: ProgramUsage, version: string): string {
  return `${
    [
      `.TH ${argument(program.name.toUpperCase())} 1 "" ${argument(`OpenRed ${version}`)}`,
      ".SH NAME",
      `${escape(program.name)} \\- ${escape(program.summary)}`,
      ".SH SYNOPSIS",
      `.B ${argument(program.name)}`,
      "command [words] [options]",
      ".SH COMMANDS",
      ...program.commands.map((command) => commandSection(program, command)),
      ".SH OPTIONS",
      ...GENERAL_OPTIONS.map(optionEntry),
      ".SH ENVIRONMENT",
      "Options that name a variable can be given by it as well; the command line wins.",
      ".SH EXIT STATUS",
      ...EXIT_MEANINGS.map(([code, meaning]) => `.TP\n${code}\n${escape(meaning)}`),
    ].join("\n")
  }\n`;
}
