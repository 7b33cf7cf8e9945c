/**
 * What commands print: aligned columns, colours where a person reads along.
 *
 * @module
 */
import { safeJson, sanitizeLine } from "../protocol/safe_text.ts";
import { cutText, displayWidth, wrapText } from "./text_width.ts";
import { showInstant, UTC, withInstants, type Zone } from "./zone.ts";

/** One standard stream. */
export interface TextSink {
  write(text: string): Promise<void>;
  /** Writes what must not be lost. @throws {Error} Where nobody can read it. */
  writeSeen(text: string): Promise<void>;
  readonly isTerminal: boolean;
  /** Width in columns, or `null` where there is none. */
  readonly columns: number | null;
}

const STYLES = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
  cyan: "36",
  whiteOnBlack: "97;40",
} as const;
export type Style = keyof typeof STYLES;

/** Text of one cell, made safe when it is printed. */
export interface Cell {
  readonly text: string;
  readonly style?: Style;
  /** What stands for it in a table that is wider than the terminal. */
  readonly short?: string;
  /** What a person types elsewhere: it is never cut. */
  readonly isWhole?: boolean;
}

/** Blanks between two columns. */
const GAP = 2;
/** What the last column has at least, where its texts are longer; they go on below. */
const MIN_LAST_WIDTH = 24;
/** What is left of another column. */
const MIN_WIDTH = 8;

function columnWidths(rows: readonly (readonly Cell[])[]): readonly number[] {
  return (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => displayWidth(sanitizeLine(row[column]?.text ?? ""))))
  );
}

function shortened({ short, ...cell }: Cell): Cell {
  return short === undefined ? cell : { ...cell, text: short };
}

/** A span for people, such as `4 min`. */
export function showDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) {
    const minutes = Math.floor((seconds % 3600) / 60);
    return `${Math.floor(seconds / 3600)} h${minutes === 0 ? "" : ` ${minutes} min`}`;
  }
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Printing for one stream. */
export class Output {
  readonly #sink: TextSink;
  readonly #coloured: boolean;
  readonly #zone: Zone;

  /** @param options `zone`: whose times are shown; UTC unless given. */
  constructor(
    sink: TextSink,
    { noColor, zone = UTC }: { readonly noColor: boolean; readonly zone?: Zone },
  ) {
    this.#sink = sink;
    this.#coloured = sink.isTerminal && !noColor;
    this.#zone = zone;
  }

  /** The same stream with its times in another zone. */
  in(zone: Zone): Output {
    return new Output(this.#sink, { noColor: !this.#coloured, zone });
  }

  /** An instant for people, to the second. */
  instant(atMs: number): string {
    return showInstant(atMs, this.#zone);
  }

  /** Whether a person probably reads along. */
  get isTerminal(): boolean {
    return this.#sink.isTerminal;
  }

  /** Width in columns, or `null` where there is none. */
  get columns(): number | null {
    return this.#sink.columns;
  }

  /** The same stream for what must not be lost: writing throws where nobody can read it. */
  get seen(): Output {
    const { isTerminal, columns } = this.#sink;
    const write = (text: string) => this.#sink.writeSeen(text);
    return new Output({ isTerminal, columns, write, writeSeen: write }, {
      noColor: !this.#coloured,
      zone: this.#zone,
    });
  }

  /** Makes text safe, then colours it. */
  paint(text: string, style?: Style): string {
    const safe = sanitizeLine(text);
    if (!this.#coloured || style === undefined) return safe;
    return `\x1b[${STYLES[style]}m${safe}\x1b[0m`;
  }

  /** Writes a line of parts that are made safe one by one. */
  async line(...cells: readonly (Cell | string)[]): Promise<void> {
    const parts = cells.map((cell) =>
      typeof cell === "string" ? this.paint(cell) : this.paint(cell.text, cell.style)
    );
    await this.#sink.write(parts.join("") + "\n");
  }

  /** Writes one JSON document of a node on a line of its own, with its instants as texts with their zone. */
  async json(value: unknown): Promise<void> {
    await this.foreignJson(withInstants(value));
  }

  /** Writes one JSON document on a line of its own as somebody else has made it. */
  async foreignJson(value: unknown): Promise<void> {
    await this.#sink.write(safeJson(value) + "\n");
  }

  /** Writes text of our own as it is. */
  async raw(text: string): Promise<void> {
    await this.#sink.write(text);
  }

  /** Clears the screen, if there is one. */
  async clear(): Promise<void> {
    if (this.#sink.isTerminal) await this.#sink.write("\x1b[H\x1b[2J");
  }

  /**
   * Writes rows with their columns aligned, under a dim heading. Where they do not fit a terminal, cells are shortened,
   * then cut, and the last one goes on below.
   */
  async table(headings: readonly string[], rows: readonly (readonly Cell[])[]): Promise<void> {
    const all = [headings.map((text): Cell => ({ text, style: "dim" })), ...rows];
    const fitting = this.#fits(columnWidths(all)) ? all : all.map((row) => row.map(shortened));
    const widths = this.#squeeze(fitting);
    const cut = (cell: Cell, column: number): Cell => {
      const isLast = column === widths.length - 1;
      return isLast ? cell : { ...cell, text: cutText(sanitizeLine(cell.text), widths[column]!) };
    };
    for (const row of fitting) await this.row(row.map(cut), widths);
  }

  /** Takes from the widest columns what the terminal has not, the last one aside as long as it has some room. */
  #squeeze(rows: readonly (readonly Cell[])[]): readonly number[] {
    const widths = columnWidths(rows);
    const others = widths.slice(0, -1);
    const isWhole = others.map((_, column) => rows.some((row) => row[column]?.isWhole === true));
    const last = widths.at(-1) ?? 0;
    const atLeast = Math.min(last, MIN_LAST_WIDTH);
    while (!this.#fits([...others, atLeast])) {
      const widest = Math.max(...others.filter((_, column) => !isWhole[column]));
      if (widest <= MIN_WIDTH) break;
      others[others.findIndex((width, at) => width === widest && !isWhole[at])] = widest - 1;
    }
    return [...others, last];
  }

  /** Writes one row whose columns are at least so wide; the last text goes on below where a terminal ends. */
  async row(cells: readonly Cell[], widths: readonly number[]): Promise<void> {
    const last = cells.findLastIndex(({ text }) => text !== "");
    let begin = 0;
    const line = cells.slice(0, Math.max(0, last)).map((cell, column) => {
      const width = displayWidth(sanitizeLine(cell.text));
      const whole = Math.max(width, widths[column] ?? 0) + GAP;
      begin += whole;
      return this.paint(cell.text, cell.style) + " ".repeat(whole - width);
    });
    const { text, style } = cells[last] ?? { text: "" };
    const room = Math.max(MIN_WIDTH, (this.columns ?? Infinity) - begin);
    const parts = wrapText(sanitizeLine(text), room).map((part) => this.paint(part, style));
    await this.#sink.write(line.join("") + parts.join(`\n${" ".repeat(begin)}`) + "\n");
  }

  /** Writes parts beside each other, without those that are empty; what a line of the terminal has no room for goes on below. */
  async flow(cells: readonly Cell[]): Promise<void> {
    let written = "";
    let at = 0;
    for (const { text, style } of cells) {
      const width = displayWidth(sanitizeLine(text));
      if (width === 0) continue;
      const goesOn = at > 0 && at + GAP + width <= (this.columns ?? Infinity);
      const before = at === 0 ? "" : goesOn ? " ".repeat(GAP) : `\n${" ".repeat(GAP)}`;
      written += before + this.paint(text, style);
      at = (goesOn ? at : 0) + (at === 0 ? 0 : GAP) + width;
    }
    await this.#sink.write(written + "\n");
  }

  #fits(widths: readonly number[]): boolean {
    const width = widths.reduce((sum, column) => sum + column + GAP, -GAP);
    return this.columns === null || width <= this.columns;
  }

  /** Writes `name  value` lines, values aligned. */
  async pairs(pairs: readonly (readonly [name: string, value: Cell | string])[]): Promise<void> {
    const width = Math.max(...pairs.map(([name]) => displayWidth(name)));
    for (const [name, value] of pairs) {
      const cell = typeof value === "string" ? { text: value } : value;
      await this.row([{ text: name, style: "dim" }, cell], [width, 0]);
    }
  }
}

/** A round-trip time for people. */
export function showRoundTrip(ms: number | null): string {
  return ms === null ? "–" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** An id in a table: whole wherever there is room for it. People compare whole ids. */
export function idCell(id: string, style?: Style): Cell {
  return { text: id, short: shortId(id), ...(style === undefined ? {} : { style }) };
}

/** The first and last characters of an id, for narrow places. */
export function shortId(id: string): string {
  return id.length <= 16 ? id : `${id.slice(0, 9)}…${id.slice(-5)}`;
}
