/**
 * The text of a vault file: the seed's lines, and which of them count (docs/PROTOCOL.md, "The vault at rest").
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
const HEAD = /^(NODE_z[1-9A-HJ-NP-Za-km-z]+_TOKEN_[0-9a-f]{32})=/;
const CHANGE = /^# change of (\d{1,6}) lines$/;
const CHANGE_START = "# change of ";
/** Longer ones are damaged: the crypto core takes none. */
const MAX_LINE_LENGTH = 2 ** 19;

/** A line of the form. */
export interface VaultLine {
  /** What stands left of `=`. */
  readonly name: string;
  /** Base64, or `null` where the name is taken away. */
  readonly sealed: string | null;
  readonly text: string;
  /** Its place in the file. */
  readonly place: number;
}

/** A line that is not of the form, or does not open. */
export type DamagedLine = Pick<VaultLine, "text" | "place">;

/** What a file says. */
export interface VaultText {
  /** All lines of the form that count, in their order; names can repeat. */
  readonly lines: readonly VaultLine[];
  readonly damaged: readonly DamagedLine[];
  /** Comments of whoever edited the file. */
  readonly comments: readonly string[];
  /** Whether more can be appended: false after an interrupted write, or without a last line feed. */
  readonly isComplete: boolean;
}

/** One line of a vault file, with its line feed. */
export function formatLine(name: string, sealed: string | null): string {
  return sealed === null ? `${stringify({ [name]: "" })}\n` : `${name}=${VALUE_PREFIX}${sealed}\n`;
}

/** The lines of one change as they are appended. */
export function formatChange(lines: readonly string[]): string {
  return `${CHANGE_START}${lines.length} lines\n${lines.join("")}`;
}

/** Reads the text of a vault file. Lines end with a line feed, or a carriage return and a line feed. */
export function readVaultText(text: string): VaultText {
  const texts = text.split("\n").map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
  const isEnded = texts.at(-1) === "";
  if (isEnded) texts.pop();
  const end = endOfWhole(texts, isEnded);
  const lines: VaultLine[] = [];
  const damaged: DamagedLine[] = [];
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

/** @returns How many lines are not part of an interrupted change; only the last change can be one. */
function endOfWhole(texts: readonly string[], isEnded: boolean): number {
  const start = texts.findLastIndex((text) => text.startsWith(CHANGE_START));
  const count = Number(CHANGE.exec(texts[start] ?? "")?.[1] ?? 0);
  const last = texts.length - 1;
  if (start >= 0 && start + count > (isEnded ? last : last - 1)) return start;
  // Nothing of the change is there but the beginning of the line before it.
  return !isEnded && CHANGE_START.startsWith(texts[last] ?? "-") ? last : texts.length;
}

/** Whether a value is base64 says the core, which decodes it. */
function readLine(text: string, place: number): VaultLine | null {
  const [head, name] = HEAD.exec(text) ?? [];
  if (head === undefined || name === undefined || text.length > MAX_LINE_LENGTH) return null;
  if (text.length === head.length) return { name, sealed: null, text, place };
  // The parser replaces references to the environment: it gets nothing that could be one.
  const value = text.includes("$") ? "" : parse(text)[name] ?? "";
  if (!value.startsWith(VALUE_PREFIX)) return null;
  return { name, sealed: value.slice(VALUE_PREFIX.length), text, place };
}
