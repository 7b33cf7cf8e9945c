/**
 * The text that is being written, edited sign by sign as people see them.
 *
 * @module
 */
import { MAX_TEXT_BYTES } from "../protocol/messaging_api.ts";
import type { KeyName } from "./chat_keys.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";
import { graphemesOf, graphemeWidth } from "./text_width.ts";

/** A text as it stands on so many columns, and where its cursor is. */
export interface LaidOutText {
  readonly lines: readonly string[];
  readonly row: number;
  readonly column: number;
}

/** A text with a cursor. */
export class ChatEditor {
  #text = "";
  /** In UTF-16 units; never inside of a sign. */
  #cursor = 0;

  get text(): string {
    return this.#text;
  }

  /** Puts another text in the place of all, its cursor behind it. */
  set(text: string): void {
    this.#text = text;
    this.#cursor = text.length;
  }

  /** @returns Whether it fits into a message. */
  insert(typed: string): boolean {
    const whole = this.#before + typed + this.#after;
    if (new TextEncoder().encode(whole).length > MAX_TEXT_BYTES) return false;
    this.#cursor += typed.length;
    this.#text = whole;
    return true;
  }

  /** @returns Whether the key means something to a text. */
  press(key: KeyName): boolean {
    const [before, after] = [this.#before, this.#after];
    switch (key) {
      case "newline":
        return this.insert("\n");
      case "left":
        this.#cursor -= lastOf(before).length;
        return true;
      case "right":
        this.#cursor += firstOf(after).length;
        return true;
      case "word_left":
        this.#cursor = before.replace(/\S+\s*$/u, "").length;
        return true;
      case "word_right":
        this.#cursor += (/^\s*\S*/u.exec(after)?.[0] ?? "").length;
        return true;
      case "home":
        this.#cursor = before.lastIndexOf("\n") + 1;
        return true;
      case "end":
        this.#cursor += (/^[^\n]*/.exec(after)?.[0] ?? "").length;
        return true;
      case "backspace":
        return this.#keep(before.slice(0, before.length - lastOf(before).length), after);
      case "delete":
        return this.#keep(before, after.slice(firstOf(after).length));
      case "clear":
        return this.#keep("", after);
      case "clear_end":
        return this.#keep(before, "");
      case "clear_word":
        return this.#keep(before.replace(/\S+\s*$/u, ""), after);
      default:
        return false;
    }
  }

  /** The text in lines of so many columns at most. */
  layOut(width: number): LaidOutText {
    const lines: string[] = [];
    let place = { row: 0, column: 0 };
    let at = 0;
    for (const source of this.#text.split("\n")) {
      let line = "";
      let column = 0;
      for (const { raw, shown } of shownGraphemes(source)) {
        const columns = graphemeWidth(shown);
        if (column + columns > width) {
          lines.push(line);
          line = "";
          column = 0;
        }
        if (at === this.#cursor) place = { row: lines.length, column };
        line += shown;
        column += columns;
        at += raw.length;
      }
      if (at === this.#cursor) {
        // Behind the last column stands the next line.
        const isFull = column >= width;
        place = isFull ? { row: lines.length + 1, column: 0 } : { row: lines.length, column };
        if (isFull) {
          lines.push(line);
          line = "";
        }
      }
      lines.push(line);
      at += 1;
    }
    return { lines, ...place };
  }

  get #before(): string {
    return this.#text.slice(0, this.#cursor);
  }

  get #after(): string {
    return this.#text.slice(this.#cursor);
  }

  #keep(before: string, after: string): true {
    this.#text = before + after;
    this.#cursor = before.length;
    return true;
  }
}

/** What is looked at for one sign: none that belongs to a text is longer. */
const SIGN_LENGTH = 128;

function lastOf(text: string): string {
  return graphemesOf(text.slice(-SIGN_LENGTH)).at(-1) ?? "";
}

function firstOf(text: string): string {
  return graphemesOf(text.slice(0, SIGN_LENGTH))[0] ?? "";
}

/** The signs of a line, and how each is shown: what is invisible only between others is judged among them. */
function shownGraphemes(line: string): { raw: string; shown: string }[] {
  const safe = [...sanitizeLine(line)];
  const isAligned = safe.length === [...line].length;
  let at = 0;
  return graphemesOf(line).map((raw) => {
    if (!isAligned) return { raw, shown: sanitizeLine(raw) };
    const { length } = [...raw];
    at += length;
    return { raw, shown: safe.slice(at - length, at).join("") };
  });
}
