/**
 * The settings of `run` beside a node's data: what each is, where it comes from, and changing it.
 *
 * @module
 */
import type { KeptSetting, KeptSettings } from "../ports/kept_settings.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { CommandError, usageError } from "./command_error.ts";
import { type GivenOptions, type OptionSpec, readOptions } from "./options.ts";
import { checkRunOptions, RUN_OPTIONS } from "./run_options.ts";
import {
  changeSetting,
  parseSettings,
  readSettings,
  settingNames,
  type Settings,
  SETTINGS_FILE,
  type SettingsPort,
} from "./settings_file.ts";

/** What else says how a node is started. */
export interface StartWords {
  /** What stood on the command line, by option. */
  readonly given: GivenOptions;
  env(name: string): string | undefined;
}

const NAMES = settingNames(RUN_OPTIONS);
/** The options that the file may have, each with its key. */
const SPECS = Object.entries<OptionSpec<unknown>>(RUN_OPTIONS)
  .filter(([, { flag }]) => NAMES.includes(flag));

function keptOf(
  [key, spec]: readonly [string, OptionSpec<unknown>],
  settings: Settings,
  { given, env }: StartWords,
): KeptSetting {
  const { flag: name, variable, defaultText } = spec;
  const kept = settings.get(name) ?? null;
  const shown = { name, kept, default: defaultText };
  const flag = given[key];
  if (flag !== undefined) {
    return { ...shown, value: flag === true ? "true" : flag.at(-1) ?? null, from: `--${name}` };
  }
  const set = variable === undefined ? undefined : env(variable);
  if (variable !== undefined && set) return { ...shown, value: set, from: variable };
  return { ...shown, value: kept, from: kept === null ? "default" : SETTINGS_FILE };
}

/** All settings, and where each comes from. */
export function listSettings(settings: Settings, words: StartWords): readonly KeptSetting[] {
  return SPECS.map((spec) => keptOf(spec, settings, words));
}

/** @throws {CommandError} Exit code 2 for a value that the option does not take. */
export function checkSettingValue(name: string, value: string): void {
  try {
    SPECS.find(([, { flag }]) => flag === name)?.[1].parse(value);
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`${name}: ${error.message}`);
    throw error;
  }
}

/** What is wrong with the file or with a value is for whoever asked. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    throw new OpenRedError("bad_request", cause.message, { cause });
  }
}

/** The settings of a node that was started with these words. */
export function createKeptSettings(
  file: SettingsPort,
  { data, ...words }: StartWords & { readonly data: string },
): KeptSettings {
  let last: Promise<unknown> = Promise.resolve();
  const change = async (name: string, value: string | null) => {
    if (value !== null) checkSettingValue(name, value);
    const text = await changeSetting(await file.read(data) ?? "", {
      name,
      value,
      specs: RUN_OPTIONS,
    });
    // What each says alone is right: what they say of each other has to be, too.
    const settings = await parseSettings(text, RUN_OPTIONS);
    checkRunOptions(readOptions(RUN_OPTIONS, { ...words, settings }));
    await file.write(data, text);
  };
  return {
    read: () =>
      explained(async () =>
        listSettings(await readSettings(file, { data, specs: RUN_OPTIONS }), words)
      ),
    change(name, value) {
      const changed = last.then(() => explained(() => change(name, value)));
      last = changed.catch(() => {});
      return changed;
    },
  };
}
