/**
 * Scripts by which a shell completes a program's command line. They hold all words themselves: completing starts no
 * program.
 *
 * @module
 */
import { isPath, type OptionUsage, type Place, placesOf, type ProgramUsage } from "./program.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = typeof SHELLS[number];

const HELP: OptionUsage = {
  flag: "--help",
  value: null,
  summary: "print this help",
  variable: null,
};

/** In single quotes, for all three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** fish takes a backslash within single quotes for itself. */
function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function functionName(program: ProgramUsage): string {
  return `_${program.name.replaceAll("-", "_")}`;
}

function optionsAt(place: Place): readonly OptionUsage[] {
  return [...place.options, HELP];
}

/** All options of the program that take a value: the word after one of them is no command. */
function flagsWithValue(
  places: readonly Place[],
  isWanted: (value: string) => boolean,
): readonly string[] {
  const flags = places.flatMap(({ options }) =>
    options.filter(({ value }) => value !== null && isWanted(value)).map(({ flag }) => flag)
  );
  return [...new Set(flags)].sort();
}

/** The lines of a `case` that follow the words of commands, one by one. */
function pathCases(places: readonly Place[]): string {
  return places.filter(({ path }) => path.length > 0)
    .map(({ path }) => quote(` ${path.join(" ")}`)).join(" | ");
}

/** What bash and zsh share: where the words typed so far lead. */
function walk(places: readonly Place[], words: { first: string; last: string }): string {
  return `  local place="" skip="" i word
  for ((i = ${words.first}; i < ${words.last}; i++)); do
    word="\${words[i]}"
    if [[ -n $skip ]]; then skip=""; continue; fi
    case "$word" in
      ${flagsWithValue(places, () => true).join(" | ") || "--"}) skip=1; continue ;;
    esac
    case "$place $word" in
      ${pathCases(places)}) place="$place $word" ;;
    esac
  done`;
}

function bash(program: ProgramUsage): string {
  const places = placesOf(program);
  const name = functionName(program);
  const files = flagsWithValue(places, isPath).join(" | ") || "--";
  const others = flagsWithValue(places, (value) => !isPath(value)).join(" | ") || "--";
  const cases = places.map((place) => {
    const words = [
      ...place.commands.map(({ word }) => word),
      ...optionsAt(place).map(({ flag }) => flag),
    ];
    const isFiles = place.takesPaths ? " files=1" : "";
    return `    ${quote(place.path.map((word) => ` ${word}`).join(""))}) next=${
      quote(words.join(" "))
    }${isFiles} ;;`;
  });
  return `# bash completion for ${program.name}
${name}() {
  local words=("\${COMP_WORDS[@]}") current="\${COMP_WORDS[COMP_CWORD]}" next="" files=""
${walk(places, { first: "1", last: "COMP_CWORD" })}
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
    ${files}) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    ${others}) return ;;
  esac
  case "$place" in
${cases.join("\n")}
  esac
  if [[ -n $files && $current != -* ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$next" -- "$current")
}
complete -F ${name} ${program.name}
`;
}

/** What zsh shows beside a word: a colon ends the word there. */
function described(word: string, summary: string): string {
  return quote(`${word.replaceAll(":", "\\:")}:${summary}`);
}

function zsh(program: ProgramUsage): string {
  const places = placesOf(program);
  const name = functionName(program);
  const files = flagsWithValue(places, isPath).join(" | ") || "--";
  const others = flagsWithValue(places, (value) => !isPath(value)).join(" | ") || "--";
  const cases = places.map((place) => {
    const commands = place.commands.map(({ word, summary }) => described(word, summary));
    const options = optionsAt(place).map(({ flag, summary }) => described(flag, summary));
    const isFiles = place.takesPaths ? "; files=1" : "";
    return `    ${quote(place.path.map((word) => ` ${word}`).join(""))})
      next=(${commands.join(" ")})
      options=(${options.join(" ")})${isFiles} ;;`;
  });
  return `#compdef ${program.name}
# zsh completion for ${program.name}
${name}() {
  local files="" ; local -a next options
${walk(places, { first: "2", last: "CURRENT" })}
  case "\${words[CURRENT - 1]}" in
    ${files}) _files; return ;;
    ${others}) return ;;
  esac
  case "$place" in
${cases.join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe 'option' options
    return
  fi
  (( \${#next} )) && _describe 'command' next
  [[ -n $files ]] && _files
  return 0
}
if [[ "\${funcstack[1]}" == ${name} ]]; then ${name} "$@"; else compdef ${name} ${program.name}; fi
`;
}

function fish(program: ProgramUsage): string {
  const places = placesOf(program);
  const name = `__${program.name.replaceAll("-", "_")}_at`;
  const lines = places.flatMap((place) => {
    const where = `-c ${program.name} -n ${fishQuote(`${name} ${quote(place.path.join(" "))}`)}`;
    const commands = place.commands.map(({ word, summary }) =>
      `complete ${where} -f -a ${fishQuote(word)} -d ${fishQuote(summary)}`
    );
    const options = optionsAt(place).map(({ flag, value, summary }) => {
      const takes = value === null ? "" : isPath(value) ? " -r -F" : " -x";
      return `complete ${where} -l ${flag.slice(2)}${takes} -d ${fishQuote(summary)}`;
    });
    const files = place.takesPaths ? [`complete ${where} -F`] : [];
    return [...commands, ...options, ...files];
  });
  const known = places.filter(({ path }) => path.length > 0)
    .map(({ path }) => fishQuote(path.join(" ")));
  return `# fish completion for ${program.name}
function ${name}
    set -l place ''
    set -l skip ''
    for word in (commandline -opc)[2..]
        if test -n "$skip"
            set skip ''
            continue
        end
        if contains -- $word ${flagsWithValue(places, () => true).join(" ")}
            set skip 1
            continue
        end
        set -l longer (string trim -- "$place $word")
        contains -- "$longer" ${known.join(" ")}; and set place "$longer"
    end
    test "$place" = "$argv[1]"
end
complete -c ${program.name} -f
${lines.join("\n")}
`;
}

const WRITERS: Readonly<Record<Shell, (program: ProgramUsage) => string>> = { bash, zsh, fish };

/** The script that one shell reads. */
export function completionScript(program: ProgramUsage, shell: Shell): string {
  return WRITERS[shell](program);
}
