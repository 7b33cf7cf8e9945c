/**
 * Reads the parts of docs/PROTOCOL.md that tests load: fixed-value blocks and tables.
 *
 * @module
 */

/** The values of one block, by name. */
export type FixedValues = ReadonlyMap<string, string>;

const page = await Deno.readTextFile(new URL("../../docs/PROTOCOL.md", import.meta.url));

function parseBlock(content: string): FixedValues {
  const values = new Map<string, string>();
  for (const line of content.trimEnd().split("\n")) {
    const match = /^(\S+) {2,}(.+)$/.exec(line);
    if (match === null) throw new TypeError(`Not a line of a fixed-value block: ${line}`);
    const [, name, value] = match as unknown as [string, string, string];
    if (values.has(name)) throw new TypeError(`The block has ${name} twice`);
    values.set(name, value);
  }
  return values;
}

/** All blocks by label. */
export function readFixedValues(): ReadonlyMap<string, FixedValues> {
  const blocks = new Map<string, FixedValues>();
  for (const match of page.matchAll(/^```vector (\S+)\n([\s\S]*?)^```$/gm)) {
    const [, label, content] = match as unknown as [string, string, string];
    if (blocks.has(label)) throw new TypeError(`The page has block ${label} twice`);
    blocks.set(label, parseBlock(content));
  }
  return blocks;
}

/** A reader of one block that throws on a name the block does not have. */
export function fixedValues(label: string): {
  readonly text: (name: string) => string;
  readonly number: (name: string) => number;
  readonly bytes: (name: string) => Uint8Array<ArrayBuffer>;
} {
  const values = readFixedValues().get(label);
  if (values === undefined) throw new TypeError(`The page has no block ${label}`);
  const text = (name: string): string => {
    const value = values.get(name);
    if (value === undefined) throw new TypeError(`Block ${label} has no ${name}`);
    return value;
  };
  return { text, number: (name) => Number(text(name)), bytes: (name) => hexBytes(text(name)) };
}

/** Reads hex with spaces between groups, where `nn×k` is byte nn repeated k times. */
export function hexBytes(text: string): Uint8Array<ArrayBuffer> {
  const hex = text.split(" ").map((group) => {
    const [byte, count] = group.split("×");
    return count === undefined ? group : byte!.repeat(Number(count));
  }).join("");
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw new TypeError(`Not hex: ${text}`);
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/** The rows of the table whose header row begins with these column names, cells trimmed. */
export function readTable(...columns: readonly string[]): readonly (readonly string[])[] {
  const lines = page.split("\n");
  const start = lines.findIndex((line) => columns.every((name, i) => cells(line)[i] === name));
  if (start < 0) throw new TypeError(`The page has no table with columns ${columns.join(", ")}`);
  const rows: string[][] = [];
  for (let i = start + 2; lines[i]?.startsWith("|"); i++) rows.push(cells(lines[i]!));
  return rows;
}

function cells(line: string): string[] {
  return line.split("|").slice(1, -1).map((cell) => cell.trim().replace(/^`(.*)`$/, "$1"));
}
