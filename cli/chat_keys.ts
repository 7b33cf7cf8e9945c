/**
 * What a person types, from the bytes of a terminal: text, pasted text, and keys by their names.
 *
 * @module
 */

export type KeyName =
  | "enter"
  | "newline"
  | "backspace"
  | "delete"
  | "left"
  | "right"
  | "word_left"
  | "word_right"
  | "home"
  | "end"
  | "up"
  | "down"
  | "page_up"
  | "page_down"
  | "clear"
  | "clear_end"
  | "clear_word"
  | "interrupt"
  | "end_of_input"
  | "redraw";

export type Typed =
  | { readonly kind: "text" | "paste"; readonly text: string }
  | { readonly kind: "key"; readonly name: KeyName };

const CONTROLS: Readonly<Record<string, KeyName>> = {
  "\r": "enter",
  "\n": "newline",
  "\x08": "backspace",
  "\x7f": "backspace",
  "\x01": "home",
  "\x05": "end",
  "\x02": "left",
  "\x06": "right",
  "\x04": "end_of_input",
  "\x03": "interrupt",
  "\x15": "clear",
  "\x0b": "clear_end",
  "\x17": "clear_word",
  "\x0c": "redraw",
};

/** Behind `ESC [`; ECMA-48, and what xterm sends for keys. */
const CODES: Readonly<Record<string, KeyName>> = {
  "A": "up",
  "B": "down",
  "C": "right",
  "D": "left",
  "H": "home",
  "F": "end",
  "1~": "home",
  "7~": "home",
  "4~": "end",
  "8~": "end",
  "3~": "delete",
  "5~": "page_up",
  "6~": "page_down",
  "1;5C": "word_right",
  "1;5D": "word_left",
  "1;3C": "word_right",
  "1;3D": "word_left",
};

/** Behind an escape alone, as Alt sends it. */
const WITH_ALT: Readonly<Record<string, KeyName>> = {
  "\r": "newline",
  "\n": "newline",
  "b": "word_left",
  "f": "word_right",
  "\x7f": "clear_word",
};

const PASTE_BEGIN = "\x1b[200~";
const PASTE_END = "\x1b[201~";
/** More than any text may have; what is beyond it is left out. */
const MAX_PASTE_LENGTH = 1_048_576;

// deno-lint-ignore no-control-regex
const PART_OF_CODE = /^\x1b(\[[0-9;<=>?]{0,16}|O)?$/;
// deno-lint-ignore no-control-regex
const CODE = /^\x1b(?:\[([0-9;<=>?]*[ -/]*[@-~])|O([A-Z]))/;
// deno-lint-ignore no-control-regex
const PLAIN = /^[^\x00-\x1f\x7f]+/;

/** Pasted lines end in whatever the terminal makes of them; other controls are no part of a text. */
function cleaned(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\r\n?/g, "\n").replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
}

/** Reads keys; whatever a piece of bytes leaves unfinished waits for the next one. */
export class KeyReader {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #pasted: string | null = null;

  take(bytes: Uint8Array): Typed[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const typed: Typed[] = [];
    while (this.#rest !== "") {
      const next = this.#pasted === null ? this.#next() : this.#paste(this.#pasted);
      if (next === "waits") break;
      if (next !== null) typed.push(next);
    }
    return typed;
  }

  #drop(length: number): void {
    this.#rest = this.#rest.slice(length);
  }

  /** @returns `null` for what means nothing here. */
  #next(): Typed | null | "waits" {
    const rest = this.#rest;
    const [plain] = PLAIN.exec(rest) ?? [];
    if (plain !== undefined) {
      this.#drop(plain.length);
      return { kind: "text", text: plain };
    }
    if (rest[0] !== "\x1b") {
      this.#drop(1);
      return named(CONTROLS[rest[0]!]);
    }
    if (rest.startsWith(PASTE_BEGIN)) {
      this.#drop(PASTE_BEGIN.length);
      this.#pasted = "";
      return null;
    }
    if (PART_OF_CODE.test(rest)) return "waits";
    const [code, csi, ss3] = CODE.exec(rest) ?? [];
    if (code !== undefined) {
      this.#drop(code.length);
      return named(CODES[csi ?? ss3 ?? ""]);
    }
    const alt = WITH_ALT[rest[1]!];
    this.#drop(alt === undefined ? 1 : 2);
    return named(alt);
  }

  #paste(held: string): Typed | "waits" {
    const end = this.#rest.indexOf(PASTE_END);
    // What may be the beginning of its end stays.
    const length = end < 0 ? Math.max(0, this.#rest.length - PASTE_END.length) : end;
    const pasted = (held + this.#rest.slice(0, length)).slice(0, MAX_PASTE_LENGTH);
    this.#drop(end < 0 ? length : end + PASTE_END.length);
    this.#pasted = end < 0 ? pasted : null;
    return end < 0 ? "waits" : { kind: "paste", text: cleaned(pasted) };
  }
}

function named(name: KeyName | undefined): Typed | null {
  return name === undefined ? null : { kind: "key", name };
}
