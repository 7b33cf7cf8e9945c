/**
 * What one command of `openred-node` is.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import type { Terminal } from "../ports/terminal.ts";
import type { AdminClient } from "./admin_client.ts";
import type { FoundData } from "./data_words.ts";
import type { AskLine, ModuleKit } from "./module_kit.ts";
import type { NodeKeeper } from "./node_keeper.ts";
import type { GivenOptions, OptionSpecs, OptionValues } from "./options.ts";
import type { Output } from "./output.ts";
import type { ShowPage } from "./page_opener.ts";
import type { PassphrasePorts } from "./passphrase_source.ts";
import type { SettingsPort } from "./settings_file.ts";
import type { Zone } from "./zone.ts";

/** A word that stands after the command's name. */
export interface ArgumentSpec {
  readonly name: string;
  readonly summary: string;
  /** Whether it may be left out; then nothing but such words comes after it. */
  readonly isOptional?: boolean;
  /** Whether it may be given several times; only the last one may. */
  readonly isRepeated?: boolean;
}

/** A file that a command writes. */
export interface OutputFile {
  write(content: Uint8Array): Promise<void>;
  /** Makes what was written durable. */
  close(): Promise<void>;
  /** Takes the file away again, instead of `close`; what went to standard output stays. */
  discard(): Promise<void>;
}

/** What a command works with. */
export interface CommandContext<S extends OptionSpecs> {
  readonly options: OptionValues<S>;
  /** As many as the command has argument specs, but for optional ones at the end. */
  readonly words: readonly string[];
  /** Standard output. */
  readonly out: Output;
  /** Standard error. */
  readonly err: Output;
  /** Of the program. */
  readonly version: string;
  readonly clock: Pick<Clock, "nowMs" | "setTimer">;
  /** Whose times are shown and read: the person's, or UTC with `--utc`. */
  readonly zone: Zone;
  /** Fires when the person pressed Ctrl-C, and with an {@linkcode OutputGone} when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /**
   * Reads standard input to its end.
   * @throws {RangeError} When it is longer than `maxBytes`.
   * @throws {CommandError} When the person pressed Ctrl-C: half of it is given to nobody.
   */
  readInput(maxBytes: number): Promise<Uint8Array>;
  /** The lines of standard input, as they come. */
  inputLines(): AsyncIterable<string>;
  /** The terminal, for a command that draws on it; `null` where there is none that can be drawn on. */
  openTerminal(): Terminal | null;
  /**
   * Makes a file that only its owner can read; `-` is standard output.
   * @throws {CommandError} Exit code 1 if it exists, or cannot be made.
   */
  createFile(path: string): Promise<OutputFile>;
  /** The path as the node understands it, which runs in another folder. */
  absolutePath(path: string): Promise<string>;
  /** {@linkcode PassphrasePorts.askSecret} */
  readonly askSecret: PassphrasePorts["askSecret"];
  /** {@linkcode PassphrasePorts.readSecretFile} */
  readonly readSecretFile: PassphrasePorts["readSecretFile"];
  /** {@linkcode AskLine} */
  readonly askLine: AskLine;
  readonly moduleKit: ModuleKit;
  readonly showPage: ShowPage;
  /** What works on the data directory itself. */
  readonly keeper: NodeKeeper;
  /** The settings beside the data of a node. */
  readonly settingsFile: SettingsPort;
  /** A variable of the environment. */
  env(name: string): string | undefined;
  /** The names of all variables of the environment. */
  envNames(): readonly string[];
  /** What stood on the command line itself, by option. */
  readonly given: GivenOptions;
  /** Where the data was found, for a command with `--data`. */
  readonly foundData: FoundData | null;
  /**
   * The running node of `--data`.
   * @throws {CommandError} Exit code 1 when there is none.
   */
  openNode(): Promise<AdminClient>;
}

/** One command. */
export interface NodeCommand<S extends OptionSpecs = OptionSpecs> {
  /** One word, or that of a group and its own: `audit show`. */
  readonly name: string;
  /** A last word that is read in the place of its own. */
  readonly formerName?: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` says below the options. */
  readonly details: string;
  readonly words: readonly ArgumentSpec[];
  readonly options: S;
  /** Whether what is neither on the command line nor in the environment may stand in `openred.toml`. */
  readonly readsSettings?: boolean;
  /** @throws {CommandError} */
  run(context: CommandContext<S>): Promise<void>;
}

/** Fixes the type of a command's options; the list of all commands forgets it again. */
export function defineCommand<const S extends OptionSpecs>(command: NodeCommand<S>): NodeCommand {
  return command as NodeCommand<OptionSpecs> & NodeCommand<S>;
}
