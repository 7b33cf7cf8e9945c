/**
 * What of a text can be looked for: its words, and of scripts that put no blanks between them pairs of characters.
 *
 * @module
 */

const UNSPACED_SCRIPTS = [
  "Han",
  "Hiragana",
  "Katakana",
  "Thai",
  "Lao",
  "Khmer",
  "Myanmar",
  "Tibetan",
]
  .map((script) => `\\p{Script=${script}}`).join("");
const PIECES = new RegExp(
  `[${UNSPACED_SCRIPTS}\\u30fc]+|(?:(?![${UNSPACED_SCRIPTS}])[\\p{L}\\p{N}])+`,
  "gu",
);
const UNSPACED = new RegExp(`^[${UNSPACED_SCRIPTS}\\u30fc]`, "u");
/** Longer words are told apart no further. */
const MAX_WORD_LENGTH = 32;

/** Without case, accents and the many forms of one character. */
export function normalize(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().normalize("NFC");
}

function pairsOf(characters: readonly string[]): string[] {
  return characters.map((character, index) => character + (characters[index + 1] ?? ""));
}

/** The terms of a text, each once. Of the last character of an unspaced piece the term is itself. */
export function termsOf(text: string): ReadonlySet<string> {
  const terms = new Set<string>();
  for (const [piece] of normalize(text).matchAll(PIECES)) {
    const characters = [...piece];
    if (!UNSPACED.test(piece)) terms.add(characters.slice(0, MAX_WORD_LENGTH).join(""));
    else for (const pair of pairsOf(characters)) terms.add(pair);
  }
  return terms;
}

/** What a text has to have: terms that begin so, and pieces that stand in it as they are. */
export interface Query {
  readonly prefixes: readonly string[];
  readonly pieces: readonly string[];
}

/** Reads what somebody looks for: all of its words, each from its beginning on. */
export function readQuery(text: string): Query {
  const prefixes = new Set<string>();
  const unspaced = new Set<string>();
  for (const [piece] of normalize(text).matchAll(PIECES)) {
    const characters = [...piece];
    if (!UNSPACED.test(piece)) {
      prefixes.add(characters.slice(0, MAX_WORD_LENGTH).join(""));
      continue;
    }
    unspaced.add(piece);
    const pairs = pairsOf(characters);
    for (const pair of pairs.length === 1 ? pairs : pairs.slice(0, -1)) prefixes.add(pair);
  }
  return { prefixes: [...prefixes], pieces: [...unspaced] };
}

/** Whether a text has all that is looked for. */
export function matches(text: string, { prefixes, pieces }: Query): boolean {
  const normal = normalize(text);
  if (!pieces.every((piece) => normal.includes(piece))) return false;
  const terms = [...termsOf(text)];
  return prefixes.every((prefix) => terms.some((term) => term.startsWith(prefix)));
}
