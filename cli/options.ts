/**
 * Options of the command line: one description serves parsing, `--help`, the environment and the
 * page that lists them all.
 *
 * @module
 */
import { usageError } from "./command_error.ts";

/** One option. */
export interface OptionSpec<T> {
  /** What is written after `--`. */
  readonly flag: string;
  /** The environment variable that gives it where the flag is absent. */
  readonly variable?: string;
  /** Placeholder of its value; a switch has none. */
  readonly value?: string;
  readonly summary: string;
  /** How its default reads, for people. */
  readonly defaultText: string;
  /** What holds where it is not given. */
  readonly fallback: T;
  /** Whether it may be given more than once; then its value is a list. */
  readonly repeats?: boolean;
  /**
   * Reads its text.
   * @throws {RangeError} Whose message completes "--flag: ".
   */
  parse(text: string): T;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec<unknown>>>;

/** The values of a set of options. */
export type OptionValues<S extends OptionSpecs> = {
  readonly [K in keyof S]: S[K] extends OptionSpec<infer T> ? T : never;
};

/** What stood on the command line: every value of a flag in order; `true` for a switch. */
export type GivenOptions = Readonly<Record<string, readonly string[] | true | undefined>>;

/** Longest text of an option that anything looks at. */
const MAX_VALUE_LENGTH = 4096;

/** Describes an option with a value. */
export function valueOption<T>(spec: OptionSpec<T> & { readonly value: string }): OptionSpec<T> {
  return spec;
}

/** Describes a switch. Its variable reads `1`, `true`, `0` or `false`. */
export function switchOption(
  spec: Pick<OptionSpec<boolean>, "flag" | "variable" | "summary">,
): OptionSpec<boolean> {
  return { ...spec, defaultText: "off", fallback: false, parse: parseSwitch };
}

/** Describes an option that may be given several times; each gives one item. */
export function listOption<T>(
  spec: Pick<OptionSpec<T>, "flag" | "summary"> & {
    readonly value: string;
    /** @throws {RangeError} As {@linkcode OptionSpec.parse}. */
    parseItem(text: string): T;
  },
): OptionSpec<readonly T[]> {
  const { flag, value, summary } = spec;
  const parse = (text: string) => [spec.parseItem(text)];
  return { flag, value, summary, defaultText: "none", fallback: [], repeats: true, parse };
}

function parseSwitch(text: string): boolean {
  if (text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  throw new RangeError("expected 1, true, 0 or false");
}

function parseValue(spec: OptionSpec<unknown>, options: { text: string; name: string }): unknown {
  const { text, name } = options;
  if (text.length > MAX_VALUE_LENGTH) {
    throw usageError(`${name}: the value is longer than ${MAX_VALUE_LENGTH} characters`);
  }
  try {
    return spec.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw usageError(`${name}: ${error.message}`);
    throw error;
  }
}

function readOption(
  spec: OptionSpec<unknown>,
  options: {
    given: readonly string[] | true | undefined;
    variable: string | undefined;
    setting: string | undefined;
  },
): unknown {
  const { given, variable, setting } = options;
  if (given === true) return true;
  if (given !== undefined) {
    if (given.length > 1 && !spec.repeats) throw usageError(`--${spec.flag}: give it once`);
    if (given.some((text) => text.startsWith("--"))) {
      throw usageError(`--${spec.flag}: a value ${spec.value ?? ""} is missing`);
    }
    const values = given.map((text) => parseValue(spec, { text, name: `--${spec.flag}` }));
    return spec.repeats ? values.flat() : values[0];
  }
  if (spec.variable !== undefined && variable !== undefined && variable !== "") {
    return parseValue(spec, { text: variable, name: spec.variable });
  }
  if (setting === undefined) return spec.fallback;
  return parseValue(spec, { text: setting, name: `openred.toml: ${spec.flag}` });
}

/**
 * Reads options: the command line, else the environment (where empty is as good as absent), else the settings of a
 * file, by flag, else the default.
 * @throws {CommandError} Exit code 2.
 */
export function readOptions<const S extends OptionSpecs>(
  specs: S,
  options: {
    given: GivenOptions;
    env: (name: string) => string | undefined;
    settings?: ReadonlyMap<string, string>;
  },
): OptionValues<S> {
  const values = Object.entries(specs).map(([name, spec]) => {
    const variable = spec.variable === undefined ? undefined : options.env(spec.variable);
    const setting = options.settings?.get(spec.flag);
    return [name, readOption(spec, { given: options.given[name], variable, setting })];
  });
  return Object.fromEntries(values) as OptionValues<S>;
}
