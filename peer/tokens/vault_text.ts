/**
 * The text of a vault file: the seed's lines, and which of them count (docs/PROTOCOL.md, "Token vault").
 *
 * What was written whole stands first. After it come changes that were appended, each behind a line that says of how
 * many lines it is: one that is not there in full, since its writing was interrupted, does not count at all. Of
 * several lines with one name the last one counts; one without a value takes the name away.
 *
 * @module
 */
import { parse } from "@std/dotenv/parse";
import { stringify } from "@std/dotenv/stringify";

/** Says where the key comes from; the key itself is nowhere. */
export const MASTER_KEY_LINE = stringify({ TOKEN_MASTER_KEY: "derived_from_node_secret" });
const VALUE_PREFIX = "encrypted:AES256:";
const HEAD = /^(NODE_z[1-9A-HJ-NP-Za-km-z]+_TOKENS?_[0-9a-f]{32})=/;
const CHANGE = /^# change of (\d{1,6}) lines(?:, (\d{1,12}) bytes)?$/;
const CHANGE_START = "# change of ";
/** Longer ones are damaged: the crypto core takes none. */
const MAX_LINE_LENGTH = 2 ** 19;

/** A line and its place in the file. */
export interface PlacedLine {
  readonly text: string;
  readonly place: number;
}

/** A line that names a pair, or a set of them. */
export interface VaultLine extends PlacedLine {
  /** What stands left of `=`. */
  readonly name: string;
}

/** What a file says. */
export interface VaultText {
  /** All lines that count and name a pair or a set, in their order; names can repeat. */
  readonly lines: readonly VaultLine[];
  /** Lines that name none, and are nothing else either. */
  readonly damaged: readonly PlacedLine[];
  /** Comments of whoever edited the file. */
  readonly comments: readonly string[];
  /** Whether more can be appended: false after an interrupted write, or without a last line feed. */
  readonly isComplete: boolean;
}

/** One line of a vault file, with its line feed. */
export function formatLine(name: string, sealed: string | null): string {
  return sealed === null ? `${stringify({ [name]: "" })}\n` : `${name}=${VALUE_PREFIX}${sealed}\n`;
}

/** The length of {@linkcode formatLine}'s line, in bytes. */
export function lineLength(name: string, sealed: string): number {
  return name.length + 1 + VALUE_PREFIX.length + sealed.length + 1;
}

/** The lines of one change as they are appended. */
export function formatChange(lines: readonly string[]): string {
  const content = lines.join("");
  return `${CHANGE_START}${lines.length} lines, ${content.length} bytes\n${content}`;
}

/** Reads the text of a vault file. Lines end with a line feed, or a carriage return and a line feed. */
export function readVaultText(text: string): VaultText {
  const texts = text.split("\n").map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
  const isEnded = texts.at(-1) === "";
  if (isEnded) texts.pop();
  const end = endOfWhole(texts, isEnded);
  const lines: VaultLine[] = [];
  const damaged: PlacedLine[] = [];
  const comments: string[] = [];
  for (let place = 0; place < end; place++) {
    const text = texts[place]!;
    if (text.trim() === "" || text === MASTER_KEY_LINE || CHANGE.test(text)) continue;
    const line = text.startsWith("#") ? null : readLine(text, place);
    if (line !== null) lines.push(line);
    else if (text.startsWith("#")) comments.push(text);
    else damaged.push({ text, place });
  }
  return { lines, damaged, comments, isComplete: isEnded && end === texts.length };
}

/**
 * One of both numbers is enough: where one is damaged, the other says that the change is there.
 * @returns How many lines are not part of an interrupted change; only the last change can be one.
 */
function endOfWhole(texts: readonly string[], isEnded: boolean): number {
  const last = texts.length - 1;
  const start = texts.findLastIndex((text) => text.startsWith(CHANGE_START));
  const [, lines, bytes = Infinity] = CHANGE.exec(texts[start] ?? "") ?? [];
  if (lines !== undefined) {
    const rest = texts.slice(start + 1);
    const length = rest.reduce((sum, text) => sum + text.length + 1, isEnded ? 0 : -1);
    const isWhole = (isEnded ? rest.length : rest.length - 1) >= Number(lines) ||
      length >= Number(bytes);
    if (!isWhole) return start;
  }
  // Nothing of the change is there but the beginning of the line before it.
  const text = isEnded ? "-" : texts[last] ?? "-";
  const isCut = CHANGE_START.startsWith(text) || text.startsWith(CHANGE_START);
  return isCut ? last : texts.length;
}

function readLine(text: string, place: number): VaultLine | null {
  const name = HEAD.exec(text)?.[1];
  return name === undefined || text.length > MAX_LINE_LENGTH ? null : { name, text, place };
}

/** Whether a line takes its name away. */
export function isRemoval({ name, text }: VaultLine): boolean {
  return text.length === name.length + 1;
}

/** What is sealed in a line: base64 if it is not damaged, which the core finds out; empty if it has no such value. */
export function sealedOf({ name, text }: VaultLine): string {
  // The parser replaces references to the environment: it gets nothing that could be one.
  const value = text.includes("$") ? "" : parse(text)[name] ?? "";
  return value.startsWith(VALUE_PREFIX) ? value.slice(VALUE_PREFIX.length) : "";
}
