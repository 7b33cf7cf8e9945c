/**
 * Where passphrases come from: a file, standard input, or a person at a terminal; never the command line or the
 * environment, where others could read them.
 *
 * @module
 */
import {
  canonicalPassphrase,
  MAX_PASSPHRASE_BYTES as MAX_BYTES,
  MIN_NEW_PASSPHRASE_BYTES as MIN_NEW_BYTES,
  refuseUtf16,
} from "../protocol/passphrase_text.ts";
import { type CommandError, failure, usageError } from "./command_error.ts";
import type { KeyOptions } from "./node_keeper.ts";
import { parsePath } from "./option_values.ts";
import { type OptionSpec, valueOption } from "./options.ts";

/** So often a person may type. */
const MAX_TRIES = 3;
/** A byte order mark and the end of a line, which an editor adds. */
const MAX_ADDED_BYTES = 5;
/** A path that means standard input. */
const STANDARD_INPUT = "-";

/** How a secret is typed: by default on one line, which nobody sees. */
export interface Typing {
  /** Whether the lines typed so far are all. */
  readonly isWhole?: (typed: Uint8Array) => boolean;
  /** Whether the person sees it until it is whole, where the terminal can take it away again. */
  readonly isShown?: boolean;
}

/** What reads passphrases. All they give is the caller's to wipe. */
export interface PassphrasePorts {
  /**
   * Asks a person.
   * @returns `null` without a terminal.
   * @throws {CommandError} When the person pressed Ctrl-C.
   */
  askSecret(prompt: string, typing?: Typing): Promise<Uint8Array | null>;
  /** @throws {CommandError} When the file cannot be read. */
  readSecretFile(path: string, flag: string): Promise<Uint8Array>;
  /**
   * Reads standard input to its end.
   * @throws {RangeError} When it is longer than `maxBytes`.
   * @throws {CommandError} When the person pressed Ctrl-C.
   */
  readInput(maxBytes: number): Promise<Uint8Array>;
}

/** The option that names the file of a passphrase. */
export const passphraseFileOption: OptionSpec<string | null> = valueOption<string | null>({
  flag: "passphrase-file",
  variable: "OPENRED_PASSPHRASE_FILE",
  value: "FILE",
  summary: "file with the passphrase of the node's keys; - is standard input",
  defaultText: "asked for on a terminal",
  fallback: null,
  parse: parsePath,
});

/** The same for commands that ask only where the keys are under one already. */
export const keysPassphraseFileOption: OptionSpec<string | null> = {
  ...passphraseFileOption,
  defaultText: "asked for where keys have one",
};

/** The option that names the file of the passphrase that is to hold from now on. */
export const newPassphraseFileOption: OptionSpec<string | null> = valueOption<string | null>({
  flag: "new-passphrase-file",
  variable: "OPENRED_NEW_PASSPHRASE_FILE",
  value: "FILE",
  summary: "file with the new passphrase; - is standard input",
  defaultText: "asked for on a terminal",
  fallback: null,
  parse: parsePath,
});

/** The passphrase of a node's keys. */
export const KEYS_PASSPHRASE = {
  flag: "--passphrase-file",
  prompt: "Passphrase of the node's keys",
} as const;

/** Which passphrase is meant, and where it may be. */
interface Wanted {
  readonly file: string | null;
  readonly flag: string;
  readonly prompt: string;
  readonly typing?: Typing;
}

/**
 * Reads a secret as it was typed or written.
 * @throws {CommandError}
 */
export async function readSecret(ports: PassphrasePorts, wanted: Wanted): Promise<Uint8Array> {
  const { file, flag, prompt } = wanted;
  if (file !== null) {
    const content = await readFile(ports, { file, flag });
    checked(content, { name: flag, check: refuseUtf16 });
    return content;
  }
  const typed = await ports.askSecret(`${prompt}: `, wanted.typing);
  if (typed === null) throw failure(`${prompt}: without a terminal, give ${flag} FILE`);
  if (typed.length === 0) throw failure("No passphrase was given");
  return typed;
}

/**
 * Reads a passphrase that was set before, in the form in which it was.
 * @throws {CommandError}
 */
export async function readPassphrase(ports: PassphrasePorts, wanted: Wanted): Promise<Uint8Array> {
  const read = await readSecret(ports, wanted);
  const name = wanted.file === null ? wanted.prompt : wanted.flag;
  const passphrase = checked(read, { name, check: canonicalPassphrase });
  read.fill(0);
  if (passphrase.length >= 1 && passphrase.length <= MAX_BYTES) return passphrase;
  passphrase.fill(0);
  throw usageError(`${name}: expected a passphrase of 1 to ${MAX_BYTES} bytes`);
}

/** Looks into a secret, which is wiped where it cannot be one. */
function checked<T>(
  content: Uint8Array,
  { name, check }: { readonly name: string; readonly check: (content: Uint8Array) => T },
): T {
  try {
    return check(content);
  } catch (cause) {
    content.fill(0);
    if (!(cause instanceof RangeError)) throw cause;
    throw usageError(`${name}: ${cause.message}`, { cause });
  }
}

/** How often a secret is read: a person may be wrong, a file says the same again. */
export function triesOf(file: string | null): number {
  return file === null ? MAX_TRIES : 1;
}

/**
 * Reads a passphrase that is to hold from now on; a person types it twice, and has three tries.
 * @throws {CommandError}
 */
export async function readNewPassphrase(
  ports: PassphrasePorts,
  wanted: Wanted,
): Promise<Uint8Array> {
  const prompt = `${wanted.prompt} (${MIN_NEW_BYTES} characters or more)`;
  for (let tries = triesOf(wanted.file), wrong = "";; tries--) {
    const passphrase = await readPassphrase(ports, { ...wanted, prompt: wrong + prompt });
    const problem = await problemOf(ports, { passphrase, isTyped: wanted.file === null });
    if (problem === null) return passphrase;
    passphrase.fill(0);
    if (tries === 1) throw problem;
    wrong = `${problem.message}. `;
  }
}

/** Why a passphrase cannot be taken as a new one, or `null`. */
async function problemOf(
  ports: PassphrasePorts,
  { passphrase, isTyped }: { readonly passphrase: Uint8Array; readonly isTyped: boolean },
): Promise<CommandError | null> {
  if (passphrase.length < MIN_NEW_BYTES || passphrase.length > MAX_BYTES) {
    return usageError(
      `A passphrase has ${MIN_NEW_BYTES} to ${MAX_BYTES} bytes; nothing was changed`,
    );
  }
  if (!isTyped) return null;
  const typed = await ports.askSecret("The same again: ") ?? new Uint8Array();
  const isSame = isTheSame(typed, passphrase);
  typed.fill(0);
  return isSame ? null : failure("The two passphrases differ; nothing was changed");
}

/** What was typed first is in its one form already; the second time it may come in another one. */
function isTheSame(typed: Uint8Array, passphrase: Uint8Array): boolean {
  let again: Uint8Array;
  try {
    again = canonicalPassphrase(typed);
  } catch {
    return false;
  }
  const isSame = again.length === passphrase.length &&
    again.every((byte, at) => byte === passphrase[at]);
  again.fill(0);
  return isSame;
}

/** What is asked once a passphrase was wrong. */
export function askedAgain<T extends { readonly prompt: string }>(wanted: T, isAgain: boolean): T {
  return isAgain ? { ...wanted, prompt: `That one is wrong. ${wanted.prompt}` } : wanted;
}

/** How the keeper of a node's keys comes to their passphrase; keys that are made have one only where a file is named. */
export function passphraseAsker(
  ports: PassphrasePorts,
  file: string | null,
): Pick<KeyOptions, "askPassphrase" | "askNewPassphrase" | "tries"> {
  const wanted = { ...KEYS_PASSPHRASE, file };
  return {
    tries: triesOf(file),
    askPassphrase: (isAgain = false) => readPassphrase(ports, askedAgain(wanted, isAgain)),
    askNewPassphrase: file === null ? null : () => readNewPassphrase(ports, wanted),
  };
}

async function readFile(
  ports: PassphrasePorts,
  { file, flag }: { file: string; flag: string },
): Promise<Uint8Array> {
  if (file !== STANDARD_INPUT) return await ports.readSecretFile(file, flag);
  try {
    return await ports.readInput(MAX_BYTES + MAX_ADDED_BYTES);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw usageError(`${flag}: expected at most ${MAX_BYTES} bytes`);
  }
}
