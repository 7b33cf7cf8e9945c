/**
 * The command line of `openred-node`: from words to an exit code.
 *
 * @module
 */
import { Command, CommanderError, Option } from "commander";
import type { SendLoopback } from "../ports/loopback.ts";
import type { Clock, Random } from "../ports/ports.ts";
import type { CommandContext, NodeCommand } from "./command.ts";
import { CommandError, EXIT_CODES, OutputGone, usageError } from "./command_error.ts";
import type { FoundData } from "./data_words.ts";
import { readSettings } from "./settings_file.ts";
import { loadCommands } from "./command_list.ts";
import { type GivenOptions, type OptionSpec, type OptionSpecs, readOptions } from "./options.ts";
import { Output, type TextSink } from "./output.ts";
import { EXIT_MEANINGS } from "../usage/exit_meanings.ts";
import { FAMILIES, PROGRAM_NAME, PROGRAM_SUMMARY } from "./program_words.ts";
import type { RunNode } from "./run.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";
import { wrapProse } from "./text_width.ts";
import { UTC, type Zone } from "./zone.ts";

/** The world outside the command line. */
export interface CommandLinePorts {
  env(name: string): string | undefined;
  readonly out: TextSink;
  readonly err: TextSink;
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  /** Of the clocks of whoever reads along. */
  readonly zone: Zone;
  readonly signal: AbortSignal;
  readonly send: SendLoopback;
  readonly random: Random;
  readonly readInput: CommandContext<OptionSpecs>["readInput"];
  readonly inputLines: CommandContext<OptionSpecs>["inputLines"];
  readonly openTerminal: CommandContext<OptionSpecs>["openTerminal"];
  readonly createFile: CommandContext<OptionSpecs>["createFile"];
  readonly absolutePath: CommandContext<OptionSpecs>["absolutePath"];
  readonly askSecret: CommandContext<OptionSpecs>["askSecret"];
  readonly readSecretFile: CommandContext<OptionSpecs>["readSecretFile"];
  readonly askLine: CommandContext<OptionSpecs>["askLine"];
  readonly moduleKit: CommandContext<OptionSpecs>["moduleKit"];
  readonly showPage: CommandContext<OptionSpecs>["showPage"];
  readonly keeper: CommandContext<OptionSpecs>["keeper"];
  readonly settingsFile: CommandContext<OptionSpecs>["settingsFile"];
  readonly envNames: CommandContext<OptionSpecs>["envNames"];
  /** The data directory: the one that was given, or where a node is found. */
  findData(given: string | null): Promise<FoundData>;
  /** The admin file of a data directory, or `null` if there is none. */
  readAdminFile(data: string): Promise<Uint8Array | null>;
  readonly runNode: RunNode;
}

export interface CommandLineOptions {
  /** The words after the program's name. */
  readonly args: readonly string[];
  readonly version: string;
  /** What `--licenses` prints; read only where it is asked for. */
  readonly licenses: string;
}

const DEFAULT_COLUMNS = 80;
/** Columns of summaries beside long names, below which they are not wrapped. */
const MIN_HELP_WIDTH = 20;
const MAX_MESSAGE_LENGTH = 300;

const EXIT_HELP = ["\nExit codes:", ...EXIT_MEANINGS.map((line) => `  ${line.join("  ")}`)].join(
  "\n",
);

const ENVIRONMENT_HELP = `
Options that name a variable can be given by it as well; the command line wins.
NO_COLOR turns colours off, and so does TERM=dumb.`;

function toOption(spec: OptionSpec<unknown>): Option {
  const flags = spec.value === undefined ? `--${spec.flag}` : `--${spec.flag} <${spec.value}>`;
  const notes = [
    ...(spec.value === undefined ? [] : [`default: ${spec.defaultText}`]),
    ...(spec.variable === undefined ? [] : [spec.variable]),
  ];
  const note = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  const option = new Option(flags, spec.summary + note);
  if (spec.value === undefined) return option;
  return option.argParser((text: string, former: readonly string[] | undefined) => [
    ...(former ?? []),
    text,
  ]);
}

/** What commander would print, taken out of its hands. */
function quiet(program: Command, streams: { help: string[]; columns: number | null }): Command {
  return program.exitOverride().configureHelp({ minWidthToWrap: MIN_HELP_WIDTH }).configureOutput({
    writeOut: (text) => void streams.help.push(text),
    writeErr: () => {},
    outputError: () => {},
    getOutHelpWidth: () => streams.columns ?? DEFAULT_COLUMNS,
    getErrHelpWidth: () => streams.columns ?? DEFAULT_COLUMNS,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
}

/** The command that a command of several words belongs to: `peer` for `peer list`. */
function familyOf(program: Command, words: readonly string[]): Command {
  return words.reduce((parent, word, index) => {
    const known = parent.commands.find((candidate) => candidate.name() === word);
    if (known !== undefined) return known;
    const summary = FAMILIES[words.slice(0, index + 1).join(" ")] ?? "";
    return parent.command(word).summary(summary)
      .description(summary === "" ? "" : `${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .helpOption("-h, --help", "print this help").helpCommand(false)
      .addHelpText("after", `${EXIT_HELP}\n`);
  }, program);
}

function addCommand(
  program: Command,
  options: {
    command: NodeCommand;
    columns: number;
    run: (given: GivenOptions, words: readonly string[]) => void;
  },
): void {
  const { command, columns } = options;
  const path = command.name.split(" ");
  const sub = familyOf(program, path.slice(0, -1)).command(path.at(-1) ?? "").summary(
    command.summary,
  )
    .description(command.summary[0]?.toUpperCase() + command.summary.slice(1) + ".")
    .helpOption("-h, --help", "print this help");
  if (command.formerName !== undefined) sub.alias(command.formerName);
  for (const { name, summary, isOptional, isRepeated } of command.words) {
    const shown = isRepeated ? `${name}...` : name;
    sub.argument(isOptional ? `[${shown}]` : `<${shown}>`, summary);
  }
  const parsed = Object.entries(command.options).map(([name, spec]) => {
    const option = toOption(spec);
    sub.addOption(option);
    return { name, attribute: option.attributeName() };
  });
  sub.addHelpText("after", `\n${wrapProse(command.details, columns)}\n${EXIT_HELP}\n`);
  sub.action(() => {
    const values: GivenOptions = sub.opts();
    const given = parsed.map(({ name, attribute }) => [name, values[attribute]]);
    options.run(Object.fromEntries(given), sub.args);
  });
}

function buildProgram(options: {
  readonly commands: readonly NodeCommand[];
  readonly version: string;
  readonly licenses: string;
  readonly help: string[];
  readonly columns: number | null;
  readonly chosen: (command: NodeCommand, given: GivenOptions, words: readonly string[]) => void;
}): Command {
  const program = quiet(new Command(PROGRAM_NAME), options)
    .description(`${PROGRAM_SUMMARY[0]?.toUpperCase()}${PROGRAM_SUMMARY.slice(1)}.`)
    .version(options.version, "-V, --version", "print the version")
    .option("--licenses", "print the licences of the packages in it")
    .helpOption("-h, --help", "print this help")
    .helpCommand(false)
    .addHelpText("after", `${ENVIRONMENT_HELP}\n${EXIT_HELP}\n`);
  program.on("option:licenses", () => {
    options.help.push(options.licenses);
    throw new CommanderError(0, "openred.licenses", "licenses");
  });
  for (const command of options.commands) {
    addCommand(program, {
      command,
      columns: options.columns ?? DEFAULT_COLUMNS,
      run: (given, words) => options.chosen(command, given, words),
    });
  }
  return program;
}

/** The command, or the family of commands, that words begin with: `openred-node peer deny`. */
function pathOf(program: Command, words: readonly string[]): string {
  const path = [program.name()];
  let command: Command | undefined = program;
  for (const word of words) {
    command = command.commands.find((candidate) =>
      candidate.name() === word || candidate.alias() === word
    );
    if (command === undefined) break;
    path.push(word);
  }
  return path.join(" ");
}

/** @param path What to ask for help. */
function describeUsage(error: CommanderError, path: string): CommandError {
  if (error.code === "commander.help") {
    return usageError(`Say what to do; '${path} --help' lists the commands`);
  }
  const text = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  const hint = error.code === "commander.unknownOption"
    ? ". Write -- before words that begin with -"
    : "";
  return usageError(`${text}${hint}; '${path} --help' says more`);
}

interface Chosen {
  readonly command: NodeCommand;
  readonly given: GivenOptions;
  readonly words: readonly string[];
}

async function choose(
  ports: CommandLinePorts,
  options: CommandLineOptions,
): Promise<{ readonly chosen: Chosen | null; readonly help: string }> {
  const help: string[] = [];
  let chosen: Chosen | null = null;
  const program = buildProgram({
    commands: await loadCommands(options.args[0], ports.runNode),
    version: options.version,
    licenses: options.licenses,
    help,
    columns: ports.out.columns,
    chosen: (command, given, words) => chosen = { command, given, words },
  });
  try {
    program.parse(options.args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw describeUsage(error, pathOf(program, options.args));
  }
  return { chosen, help: help.join("") };
}

/** Windows sets no such variable. */
function canBeDrawnOn(term: string | undefined): boolean {
  return term !== "dumb" && term !== "";
}

async function execute(
  ports: CommandLinePorts,
  options: CommandLineOptions & { readonly out: Output; readonly err: Output },
): Promise<void> {
  const { chosen, help } = await choose(ports, options);
  if (chosen === null) return await options.out.raw(help);
  const { command, given, words } = chosen;
  const env = (name: string) => ports.env(name);
  const { data: dataOption } = command.options;
  const found = dataOption === undefined
    ? null
    : await ports.findData(String(readOptions({ data: dataOption }, { given, env }).data) || null);
  const settings = found !== null && command.readsSettings === true
    ? await readSettings(ports.settingsFile, { data: found.path, specs: command.options })
    : new Map<string, string>();
  const read = readOptions(command.options, { given, env, settings });
  const values = found === null ? read : { ...read, data: found.path };
  const zone = values.utc === true ? UTC : ports.zone;
  const [out, err] = [options.out.in(zone), options.err.in(zone)];
  await command.run({
    options: values,
    words,
    out,
    err,
    zone,
    version: options.version,
    clock: ports.clock,
    signal: ports.signal,
    readInput: (maxBytes) => ports.readInput(maxBytes),
    inputLines: () => ports.inputLines(),
    openTerminal: () => canBeDrawnOn(ports.env("TERM")) ? ports.openTerminal() : null,
    createFile: (path) => ports.createFile(path),
    absolutePath: (path) => ports.absolutePath(path),
    askSecret: (prompt, { isShown = false, ...typing } = {}) =>
      ports.askSecret(prompt, { ...typing, isShown: isShown && canBeDrawnOn(ports.env("TERM")) }),
    readSecretFile: (path, flag) => ports.readSecretFile(path, flag),
    askLine: (question) => ports.askLine(question),
    moduleKit: ports.moduleKit,
    showPage: ports.showPage,
    keeper: ports.keeper,
    settingsFile: ports.settingsFile,
    envNames: () => ports.envNames(),
    env,
    given,
    foundData: found,
    openNode: async () => {
      const { AdminClient } = await import("./admin_client.ts");
      const data = String(values.data);
      const adminFile = await ports.readAdminFile(data);
      const { send, clock, random, signal } = ports;
      const isDefault = found?.isDefault ?? false;
      const slow = (text: string) => void err.line({ text, style: "yellow" });
      return new AdminClient({ data, isDefault, adminFile, send, clock, random, signal, slow });
    },
  });
}

/** Whether a program reads along, as far as can be told of a line that may be wrong. */
function wantsJson(ports: CommandLinePorts, { args }: CommandLineOptions): boolean {
  const end = args.indexOf("--");
  const words = end < 0 ? args : args.slice(0, end);
  const variable = ports.env("OPENRED_JSON");
  return words.includes("--json") || variable === "1" || variable === "true";
}

/**
 * Runs one command line.
 * @returns The exit code. Whatever goes wrong becomes one line on standard error, JSON for `--json`, never a
 *   stack trace.
 */
export async function runCommandLine(
  ports: CommandLinePorts,
  options: CommandLineOptions,
): Promise<number> {
  const noColor = (ports.env("NO_COLOR") ?? "") !== "" || ports.env("TERM") === "dumb";
  const style = { noColor };
  const out = new Output(ports.out, style);
  const err = new Output(ports.err, style);
  try {
    await execute(ports, { ...options, out, err });
    return EXIT_CODES.ok;
  } catch (error) {
    // Nobody reads any more, as after head: nothing is wrong.
    if (ports.signal.reason instanceof OutputGone) return EXIT_CODES.ok;
    const known = error instanceof CommandError;
    const message = error instanceof Error ? error.message : "Unexpected error";
    const line = sanitizeLine(message).slice(0, MAX_MESSAGE_LENGTH);
    if (wantsJson(ports, options)) {
      await err.json({ code: known ? error.code : "failed", message: line });
    } else await err.line({ text: `${PROGRAM_NAME}: `, style: "red" }, line);
    return known ? error.exitCode : EXIT_CODES.failed;
  }
}
