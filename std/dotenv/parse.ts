/**
 * Stand-in for `jsr:@std/dotenv/parse`.
 *
 * @module
 */

/** Everything up to the value: indentation, `export`, the key (1), the sign. */
const HEAD = /^\s*(?:export\s+)?([^\s=#]+)\s*=[ \t]*/gm;
const VALID_KEY = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** `${NAME}`, `${NAME:-default}`, and the same without braces unless a backslash stands before. */
const REFERENCE =
  /\$\{(?<braced>.+?)(?::-(?<bracedDefault>.+))?\}|(?<!\\)\$(?<bare>\w+)(?::-(?<bareDefault>.+))?/g;
/** A backslash and what follows it are read as one, so that `\\"` ends a value. */
const UP_TO_DOUBLE_QUOTE = /(?:[^"\\]|\\[^])*(?=")/y;
/** All but a line break at the end; one that is escaped stays. */
const BEFORE_LAST_BREAK = /^((?:[^\\]|\\[^])*?)\r?\n?$/;
/** Other characters after a backslash leave both as they are. */
const ESCAPED: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  '"': '"',
  "\\": "\\",
};

type Values = Readonly<Record<string, string>>;

interface RawValue {
  readonly text: string;
  readonly kind: "single" | "double" | "unquoted";
  /** Where the value, closing quote included, ends. */
  readonly end: number;
}

/** Reads up to the next single quote; `null` if what is between cannot be a value. */
function readSingle(text: string, start: number): RawValue | null {
  const end = text.indexOf("'", start);
  if (end === -1) return null;
  const inner = text.slice(start, end).replace(/^\r?\n?/, "").replace(/\r?\n?$/, "");
  if (/[\u2028\u2029]|\r(?!\n)/.test(inner)) return null;
  return { text: inner, kind: "single", end: end + 1 };
}

/** Reads up to the next double quote that no backslash escapes; `null` if there is none. */
function readDouble(text: string, start: number): RawValue | null {
  UP_TO_DOUBLE_QUOTE.lastIndex = start;
  const raw = UP_TO_DOUBLE_QUOTE.exec(text)?.[0];
  if (raw === undefined) return null;
  const inner = BEFORE_LAST_BREAK.exec(raw.replace(/^\r?\n?/, ""))![1]!;
  return { text: inner, kind: "double", end: start + raw.length + 1 };
}

function readQuoted(text: string, start: number): RawValue | null {
  if (text[start] === "'") return readSingle(text, start + 1);
  return text[start] === '"' ? readDouble(text, start + 1) : null;
}

function readUnquoted(text: string, start: number): RawValue {
  const length = text.slice(start).search(/[\r\n#]/);
  const end = length === -1 ? text.length : start + length;
  return { text: text.slice(start, end), kind: "unquoted", end };
}

function unescape(text: string): string {
  return text.replace(/\\([nrt"\\])/g, (_, character: string) => ESCAPED[character]!);
}

/** What names nothing and has no default becomes the word "undefined", as in the real package. */
function expand(text: string, values: Values): string {
  if (text.search(REFERENCE) === -1) return text;
  const expanded = text.replace(REFERENCE, (...match) => {
    const groups = match.at(-1) as Record<string, string | undefined>;
    const name = (groups.braced ?? groups.bare)!;
    const value = Object.hasOwn(values, name) ? values[name] : Deno.env.get(name);
    return value ?? expand(String(groups.bracedDefault ?? groups.bareDefault), values);
  });
  return expand(expanded, values);
}

/** Reads the text of an `.env` file. Lines with a key of another form are left out with a warning. */
export function parse(text: string): Record<string, string> {
  const result: Record<string, string> = {};
  const expandable: string[] = [];
  HEAD.lastIndex = 0;
  for (let head = HEAD.exec(text); head !== null; head = HEAD.exec(text)) {
    const key = head[1]!;
    const value = readQuoted(text, HEAD.lastIndex) ?? readUnquoted(text, HEAD.lastIndex);
    const rest = text.slice(value.end).search(/[\r\n\u2028\u2029]/);
    HEAD.lastIndex = rest === -1 ? text.length : value.end + rest;
    if (!VALID_KEY.test(key)) {
      console.warn(
        `Ignored the key "${key}" as it is not a valid identifier: ` +
          `The key need to match the pattern ${VALID_KEY}.`,
      );
      continue;
    }
    if (value.kind === "unquoted" && value.text !== "") expandable.push(key);
    result[key] = value.kind === "single"
      ? value.text
      : value.kind === "double"
      ? unescape(value.text)
      : value.text.trim();
  }
  const values = { ...result };
  for (const key of expandable) result[key] = expand(result[key]!, values);
  return result;
}
