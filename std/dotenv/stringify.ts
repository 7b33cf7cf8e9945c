/**
 * Stand-in for `jsr:@std/dotenv/stringify`.
 *
 * @module
 */

/** Needs double quotes: single quotes know no escapes. */
const NEEDS_ESCAPES = /[\n\r\t'\\]/;
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
};

function quoteValue(value: string): string {
  if (NEEDS_ESCAPES.test(value)) {
    return `"${value.replaceAll(/[\\\n\r\t"]/g, (character) => ESCAPES[character]!)}"`;
  }
  return /\W/.test(value) ? `'${value}'` : value;
}

/** Writes the text of an `.env` file, one line an entry. Keys that begin with `#` are left out. */
export function stringify(object: Record<string, string>): string {
  const lines: string[] = [];
  for (const [key, value] of Object.entries(object)) {
    if (key.startsWith("#")) {
      console.warn(`key starts with a '#' indicates a comment and is ignored: '${key}'`);
      continue;
    }
    lines.push(`${key}=${quoteValue(value ?? "")}`);
  }
  return lines.join("\n");
}
