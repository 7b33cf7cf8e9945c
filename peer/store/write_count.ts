/**
 * Counts what the database was asked to keep in a file beside it, before anybody hears that it is kept. A database that
 * holds less at the next start has lost something: SQLite takes a write-ahead log that is damaged, or not there, for a
 * shorter one, and says nothing.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import * as v from "valibot";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { Clock, Files } from "../../ports/ports.ts";

/** The file's name in its data directory. Lines `JSON CRC-32`, the last one that holds counts. */
export const COUNT_FILE = "write-count";
/** A longer file is written anew with its newer half. */
const MAX_BYTES = 65_536;

/** How much a database was asked to keep. */
export interface Tally {
  /** Writes since it was made. */
  readonly writes: number;
  /** The number of the last row of each table that numbers its rows. */
  readonly rows: Readonly<Record<string, number>>;
}

/** What a database holds less than it was asked to keep. */
export interface Shortfall {
  /** What was counted. */
  readonly counted: Tally;
  readonly missing: Tally;
  /** When the last write that is there was counted; `null` where no line is so old. */
  readonly sinceMs: number | null;
  /** When the last write that is missing was counted. */
  readonly untilMs: number;
}

const integer = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const lineSchema = v.looseObject({
  writes: integer,
  rows: v.record(v.string(), integer),
  at: integer,
});
type Line = v.InferOutput<typeof lineSchema>;

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

/** It begins with a newline: what a failed write has left does not run into it. */
function encodeLine(line: Line): string {
  const text = JSON.stringify(line);
  return `\n${text} ${checksum(text)}`;
}

function decodeLine(line: string): Line | null {
  const text = line.slice(0, -9);
  if (line.slice(-9) !== ` ${checksum(text)}`) return null;
  try {
    const parsed = v.safeParse(lineSchema, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

/** The lines that hold, oldest first. */
function decodeLines(content: Uint8Array): Line[] {
  return new TextDecoder().decode(content).split("\n").map(decodeLine).filter((line) =>
    line !== null
  );
}

function missingRows(counted: Tally["rows"], held: Tally["rows"]): Tally["rows"] {
  const missing = Object.entries(counted).map(([table, seq]) =>
    [table, seq - (held[table] ?? 0)] as const
  );
  return Object.fromEntries(missing.filter(([, count]) => count > 0));
}

function shortfallOf(lines: readonly Line[], held: Tally): Shortfall | null {
  const last = lines.at(-1);
  if (last === undefined || last.writes <= held.writes) return null;
  const { at, ...counted } = last;
  return {
    counted,
    missing: {
      writes: counted.writes - held.writes,
      rows: missingRows(counted.rows, held.rows),
    },
    sinceMs: lines.findLast(({ writes }) => writes <= held.writes)?.at ?? null,
    untilMs: at,
  };
}

interface CountParts {
  readonly files: Files;
  readonly clock: Pick<Clock, "nowMs">;
}

/** The file, open. */
export class WriteCount {
  /** Found when the file was opened. */
  readonly shortfall: Shortfall | null;
  /** Whether a database whose writes were counted came without the file, or with one of which no line holds. */
  readonly isMissing: boolean;
  readonly #parts: CountParts;
  #lines: Line[];
  #bytes = 0;
  #latest: Tally;
  #counted: number;
  #appending: Promise<void> | null = null;
  #tell: (cause: unknown) => void = () => {};

  private constructor(parts: CountParts, found: { lines: Line[]; held: Tally }) {
    const { lines, held } = found;
    this.#parts = parts;
    this.#lines = lines;
    this.#latest = held;
    this.#counted = held.writes;
    this.shortfall = shortfallOf(this.#lines, held);
    this.isMissing = this.#lines.length === 0 && held.writes > 0;
  }

  /** Reads the file, and compares it with what the database holds. */
  static async open(parts: CountParts, held: Tally): Promise<WriteCount> {
    const content = await parts.files.read(COUNT_FILE);
    const lines = content === null ? [] : decodeLines(content);
    const count = new WriteCount(parts, { lines, held });
    count.#bytes = content?.length ?? 0;
    return count;
  }

  /**
   * Writes the first line of a file of which none holds. Before this nothing may be counted: a database that is counted
   * and its file would come apart where the process dies between the two.
   */
  async begin(): Promise<void> {
    if (this.#lines.length > 0) return;
    this.#lines.push({ ...this.#latest, at: this.#parts.clock.nowMs() });
    await this.#rewrite();
  }

  /** Calls `tell` after every write of the file: with what kept it from the disk, or `null`. */
  onWrite(tell: (cause: unknown) => void): void {
    this.#tell = tell;
  }

  /**
   * Counts a write that is durable. Those that come while the file is written share its next line.
   * @returns Resolves when that line is on disk, or could not be written: what was kept stays kept.
   */
  async note(tally: Tally): Promise<void> {
    if (tally.writes > this.#latest.writes) this.#latest = tally;
    while (this.#counted < tally.writes) await (this.#appending ??= this.#append());
  }

  /** Waits for what is being written. */
  async settled(): Promise<void> {
    await this.#appending;
  }

  async #append(): Promise<void> {
    const tally = this.#latest;
    try {
      await this.#write({ ...tally, at: this.#parts.clock.nowMs() });
      this.#tell(null);
    } catch (cause) {
      this.#tell(cause);
    } finally {
      this.#counted = tally.writes;
      this.#appending = null;
    }
  }

  async #write(line: Line): Promise<void> {
    const content = encodeUtf8(encodeLine(line));
    this.#lines.push(line);
    if (this.#bytes + content.length <= MAX_BYTES) {
      await this.#parts.files.append(COUNT_FILE, content);
      this.#bytes += content.length;
      return;
    }
    this.#lines = this.#lines.slice(-Math.ceil(this.#lines.length / 2));
    await this.#rewrite();
  }

  async #rewrite(): Promise<void> {
    const content = encodeUtf8(this.#lines.map(encodeLine).join(""));
    await this.#parts.files.write(COUNT_FILE, content);
    this.#bytes = content.length;
  }
}
