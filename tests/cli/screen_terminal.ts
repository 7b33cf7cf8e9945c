/**
 * A terminal in memory: it draws what is written to it, and knows no control sequence but those of the chat.
 *
 * @module
 */
import type { Terminal, TerminalSize } from "../../ports/terminal.ts";
import { graphemesOf } from "../../cli/text_width.ts";

// deno-lint-ignore no-control-regex
const SEQUENCE = /^\x1b\[(\?[0-9]+[hl]|2K|2J|[0-9;]*m|([0-9]+);([0-9]+)H)/;

export class ScreenTerminal implements Terminal {
  columns: number;
  rows: number;
  isClosed = false;
  isOther = false;
  row = 0;
  column = 0;
  #cells: string[][] = [];
  #resized = () => {};
  readonly #typed: Uint8Array[] = [];
  #wake = () => {};

  constructor(columns = 80, rows = 24) {
    this.columns = columns;
    this.rows = rows;
  }

  size(): TerminalSize {
    return { columns: this.columns, rows: this.rows };
  }

  onResize(listener: () => void): void {
    this.#resized = listener;
  }

  resize(columns: number, rows: number): void {
    this.columns = columns;
    this.rows = rows;
    this.#resized();
  }

  type(text: string): void {
    this.#typed.push(new TextEncoder().encode(text));
    this.#wake();
  }

  async read(): Promise<Uint8Array | null> {
    while (this.#typed.length === 0) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#typed.shift()!;
  }

  /** @throws {RangeError} For a control that nobody here writes, and a row that is too long. */
  write(text: string): Promise<void> {
    let rest = text;
    while (rest !== "") {
      const [whole = "", code = "", row, column] = SEQUENCE.exec(rest) ?? [];
      if (whole === "") rest = this.#put(rest);
      else {
        rest = rest.slice(whole.length);
        if (code === "2J") this.#cells = [];
        if (code === "2K") this.#cells[this.row] = [];
        if (code.startsWith("?1049")) this.isOther = code.endsWith("h");
        if (row !== undefined) [this.row, this.column] = [Number(row) - 1, Number(column) - 1];
      }
    }
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
  }

  /** What can be seen, row by row. */
  get seen(): string[] {
    return Array.from(
      { length: this.rows },
      (_, row) => (this.#cells[row] ?? []).join("").trimEnd(),
    );
  }

  #put(text: string): string {
    const [sign = ""] = graphemesOf(text.slice(0, 64));
    if (/[\p{Cc}\u2028\u2029\u202a-\u202e]/u.test(sign)) {
      throw new RangeError(`A control: ${JSON.stringify(sign)}`);
    }
    if (this.row >= this.rows) throw new RangeError("A row below the screen");
    (this.#cells[this.row] ??= []).push(sign);
    return text.slice(sign.length);
  }
}
