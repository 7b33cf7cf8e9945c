/**
 * Puts rows on a terminal: what has changed since the last time, each row at its place.
 *
 * @module
 */
import type { Terminal } from "../ports/terminal.ts";

/** The other screen, no automatic margins, and marks around what is pasted (xterm's control sequences). */
const ENTER = "\x1b[?1049h\x1b[?7l\x1b[?2004h\x1b[2J";
const LEAVE = "\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l";

export interface PaintedRows {
  /** Safe, and no wider than the terminal. */
  readonly rows: readonly string[];
  readonly row: number;
  readonly column: number;
}

/** One screen. */
export class ChatScreen {
  readonly #terminal: Terminal;
  #shown: readonly string[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  async enter(): Promise<void> {
    await this.#terminal.write(ENTER);
  }

  async leave(): Promise<void> {
    await this.#terminal.write(LEAVE);
  }

  /** The next picture is drawn whole, as what is there may be something else. */
  forget(): void {
    this.#shown = [];
  }

  async paint({ rows, row, column }: PaintedRows): Promise<void> {
    const isWhole = this.#shown.length !== rows.length;
    const changed = rows.map((text, index) =>
      !isWhole && this.#shown[index] === text ? "" : `\x1b[${index + 1};1H\x1b[2K${text}`
    );
    const clear = isWhole ? "\x1b[2J" : "";
    this.#shown = rows;
    const place = `\x1b[${row + 1};${column + 1}H`;
    await this.#terminal.write(`\x1b[?25l${clear}${changed.join("")}${place}\x1b[?25h`);
  }
}
