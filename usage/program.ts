/**
 * What a program's command line looks like, as data: for shell completion and manual pages.
 *
 * @module
 */

/** An option of a command. */
export interface OptionUsage {
  /** What is typed: `--data`. */
  readonly flag: string;
  /** Placeholder of its value; `null` for a switch. */
  readonly value: string | null;
  readonly summary: string;
  /** The environment variable that gives it too. */
  readonly variable: string | null;
}

/** One command. */
export interface CommandUsage {
  /** The words that name it: `audit`, `show`. */
  readonly words: readonly string[];
  /** One line. */
  readonly summary: string;
  /** What its help says more, in plain lines. */
  readonly details: string;
  /** What stands after it: `<peer>`, `[text...]`. */
  readonly operands: readonly string[];
  readonly options: readonly OptionUsage[];
}

/** A program. */
export interface ProgramUsage {
  readonly name: string;
  readonly summary: string;
  /** What the first words of commands of several words are about: `audit`, `peer group`. */
  readonly families: Readonly<Record<string, string>>;
  readonly commands: readonly CommandUsage[];
}

const FILE_VALUES = new Set(["FILE", "DIR", "PATH", "file", "dir", "path"]);

/** Whether an option's value, or a word after a command, names something on disk. */
export function isPath(placeholder: string): boolean {
  return FILE_VALUES.has(placeholder.replace(/^[<[]|\.\.\.|[>\]]$/g, ""));
}

/** A word that can follow others, with what it is for. */
export interface NextWord {
  readonly word: string;
  readonly summary: string;
}

/** Where one may be in a command line: after these words of commands, what can come next. */
export interface Place {
  /** Empty at the beginning. */
  readonly path: readonly string[];
  readonly commands: readonly NextWord[];
  readonly options: readonly OptionUsage[];
  /** Whether a word here names something on disk. */
  readonly takesPaths: boolean;
}

/** Every place of a program's command line, the beginning first. */
export function placesOf(program: ProgramUsage): readonly Place[] {
  const places = new Map<string, { path: string[]; words: Map<string, string> }>();
  const placeAt = (path: readonly string[]) => {
    const key = path.join(" ");
    const place = places.get(key) ?? { path: [...path], words: new Map<string, string>() };
    places.set(key, place);
    return place;
  };
  placeAt([]);
  for (const { words, summary } of program.commands) {
    words.forEach((word, index) => {
      const isWhole = index === words.length - 1;
      const next = placeAt(words.slice(0, index)).words;
      if (isWhole) next.set(word, summary);
      else if (!next.has(word)) {
        next.set(word, program.families[words.slice(0, index + 1).join(" ")] ?? "");
      }
    });
    placeAt(words);
  }
  return [...places.values()].map(({ path, words }): Place => {
    const command = program.commands.find((one) => one.words.join(" ") === path.join(" "));
    return {
      path,
      commands: [...words].map(([word, summary]) => ({ word, summary })),
      options: command?.options ?? [],
      takesPaths: command?.operands.some(isPath) ?? false,
    };
  });
}
