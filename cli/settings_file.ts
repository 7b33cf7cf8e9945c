/**
 * `openred.toml` beside the data of a node: what `run` does unless flags or the environment say otherwise.
 *
 * @module
 */
import type { TomlTable, TomlValue } from "smol-toml";
import { usageError } from "./command_error.ts";
import { nearest } from "./nearest.ts";
import type { OptionSpecs } from "./options.ts";

export const SETTINGS_FILE = "openred.toml";
/** What a settings file may have. */
export const MAX_SETTINGS_BYTES = 64 * 1024;

/** Where the file is read and written, by data directory. */
export interface SettingsPort {
  /** Its text, or `null` if there is none. */
  read(data: string): Promise<string | null>;
  write(data: string, text: string): Promise<void>;
}

/** The texts of settings, by the flag whose option they are of. */
export type Settings = ReadonlyMap<string, string>;

/** What a file cannot say, since it is found by the one, and the other is about a single command. */
const NOT_KEPT = ["data", "json"];

/** The flags of options that the file may have. */
export function settingNames(specs: OptionSpecs): readonly string[] {
  return Object.values(specs).map(({ flag }) => flag).filter((flag) => !NOT_KEPT.includes(flag));
}

/** @throws {CommandError} Exit code 2 for a name that no option has, with the nearest one. */
export function checkSettingName(name: string, specs: OptionSpecs): string {
  const names = settingNames(specs);
  if (names.includes(name)) return name;
  const near = nearest(name, names);
  const hint = near === null ? "'openred-node run --help' names them" : `did you mean ${near}?`;
  throw usageError(`${SETTINGS_FILE}: there is no setting ${name}; ${hint}`);
}

function textOf(name: string, value: TomlValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
    return value.join(",");
  }
  throw usageError(`${SETTINGS_FILE}: ${name}: expected a text, a number, true, false, or texts`);
}

/**
 * Reads the settings of a file.
 * @throws {CommandError} Exit code 2 for text that is no TOML, and for names that no option has.
 */
export async function parseSettings(text: string, specs: OptionSpecs): Promise<Settings> {
  const { parse, TomlError } = await import("smol-toml");
  let table: TomlTable;
  try {
    table = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [why = ""] = error.message.split("\n");
    throw usageError(`${SETTINGS_FILE}: line ${error.line}: ${why}`, { cause: error });
  }
  return new Map(
    Object.entries(table).map(([name, value]) => [
      checkSettingName(name, specs),
      textOf(name, value),
    ]),
  );
}

/** What is written for a value: lists as lists, numbers and switches bare. */
function tomlOf(name: string, text: string): TomlValue {
  if (name === "directories") return text.split(",");
  if (text === "true" || text === "false") return text === "true";
  return /^(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

/** Writes settings as a file. */
export async function formatSettings(settings: Settings): Promise<string> {
  const { stringify } = await import("smol-toml");
  const table = [...settings].map(([name, text]) => [name, tomlOf(name, text)] as const);
  return stringify(Object.fromEntries(table));
}

/** The same file with one setting changed, or gone for `null`; what people wrote around it stays. */
export async function changeSetting(
  text: string,
  { name, value, specs }: {
    readonly name: string;
    readonly value: string | null;
    readonly specs: OptionSpecs;
  },
): Promise<string> {
  const changed = new Map(await parseSettings(text, specs));
  if (value === null) changed.delete(name);
  else changed.set(name, value);
  const line = value === null ? [] : [(await formatSettings(new Map([[name, value]]))).trimEnd()];
  const lines = text.split("\n");
  const at = lines.findIndex((one) => one.trimStart().match(/^[\w-]+/)?.[0] === name);
  const end = at < 0 ? lines.findLastIndex((one) => one.trim() !== "") + 1 : at;
  const edited = [...lines.slice(0, end), ...line, ...lines.slice(at < 0 ? end : at + 1)];
  const result = edited.join("\n").trimEnd() + "\n";
  // A value of several lines is not changed by its first.
  const isRight = await parseSettings(result, specs).then(
    (read) => JSON.stringify([...read].sort()) === JSON.stringify([...changed].sort()),
    () => false,
  );
  return isRight ? result : await formatSettings(changed);
}

/** The settings beside a node's data; none where there is no such file. */
export async function readSettings(
  port: SettingsPort,
  { data, specs }: { readonly data: string; readonly specs: OptionSpecs },
): Promise<Settings> {
  const text = await port.read(data);
  return text === null ? new Map() : await parseSettings(text, specs);
}
