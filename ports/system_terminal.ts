/**
 * The process's streams, for composition roots.
 *
 * @module
 */
import { type IsWhole, MAX_TYPED_BYTES, TypedKeys } from "./typed_keys.ts";
import { writeAll } from "./write_all.ts";

const encoder = new TextEncoder();

/** Ctrl-C ends the program before a pipe as well: the end of its output may be seen before this program's own signal. */
const INTERRUPT_MS = 50;

/** One standard stream to write to. */
export interface TerminalStream {
  readonly isTerminal: boolean;
  /** Width in columns, or `null` where there is none. */
  readonly columns: number | null;
  write(text: string): Promise<void>;
  /** Writes what must not be lost. @throws {Error} Where nobody can read it. */
  writeSeen(text: string): Promise<void>;
}

/** Whether a stream is the null device, as which a closed one is opened as well. Windows has no such path. */
async function leadsNowhere(fileDescriptor: number): Promise<boolean> {
  if (Deno.build.os === "windows") return false;
  const { fstatSync } = await import("node:fs");
  const { dev, ino } = Deno.statSync("/dev/null");
  const stream = fstatSync(fileDescriptor);
  return stream.dev === dev && stream.ino === ino;
}

/** Makes a stream of text. When whoever read it has gone, `onGone` is called and `write` does nothing. */
export function createTerminalStream(
  stream: typeof Deno.stdout,
  onGone: () => void,
): TerminalStream {
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    // Some terminals do not know their size and say 0.
    columns: isTerminal ? Deno.consoleSize().columns || null : null,
    async writeSeen(text) {
      if (await leadsNowhere(stream === Deno.stdout ? 1 : 2)) {
        throw new Error("nobody can read it");
      }
      await writeAll(stream, encoder.encode(text));
    },
    async write(text) {
      try {
        await writeAll(stream, encoder.encode(text));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        onGone();
      }
    },
  };
}

/**
 * Reads standard input to its end. What came before `signal` fires is not the whole of it, so it is given to nobody.
 * @throws {RangeError} When it is longer than `maxBytes`.
 * @throws {DOMException} `AbortError` when `signal` fires.
 */
export async function readStandardInput(
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  signal.throwIfAborted();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = Deno.stdin.readable.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop);
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      length += read.value.length;
      if (length > maxBytes) throw new RangeError("Standard input is too long");
      chunks.push(read.value);
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
  await new Promise((resolve) => setTimeout(resolve, INTERRUPT_MS));
  signal.throwIfAborted();
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** All that a terminal holds for a reader at once: a paste longer than its prompt takes comes in one piece. */
const TERMINAL_BUFFER_BYTES = 4096;

const OTHER_SCREEN = { enter: "\x1b[?1049h", clear: "\x1b[2J\x1b[H", leave: "\x1b[?1049l" };

/** @returns `false` when the person gave up. @throws {RangeError} For more than fits. */
async function readKeys(keys: TypedKeys, onTyped: () => void): Promise<boolean> {
  const read = new Uint8Array(TERMINAL_BUFFER_BYTES);
  try {
    for (;;) {
      const count = await Deno.stdin.read(read);
      const end = count === null ? "given up" : keys.take(read.subarray(0, count));
      if (end === "too long") throw new RangeError(`Expected at most ${MAX_TYPED_BYTES} bytes`);
      if (end !== null) return end === "ended";
      onTyped();
    }
  } finally {
    read.fill(0);
  }
}

/** What was typed, for the terminal that it was typed on: a paste may hold controls. */
function drawn(keys: TypedKeys): string {
  const typed = keys.copy();
  const text = new TextDecoder().decode(typed);
  typed.fill(0);
  return text.replace(/[^\P{C}\n]/gu, "\u{fffd}").replaceAll("\n", "\r\n");
}

/**
 * Asks a person for something that nobody else should see, on standard error.
 * @param typing.isWhole Whether the lines so far are all; without it the first line is.
 * @param typing.isShown Whether it is seen while it is typed, on the terminal's other screen, which keeps nothing.
 * @returns What was typed, the caller's to wipe; `null` when the person gave up.
 * @throws {TypeError} Without a terminal.
 * @throws {RangeError} When more than {@linkcode MAX_TYPED_BYTES} bytes were typed.
 */
export async function readSecret(
  prompt: string,
  typing: { readonly isWhole?: IsWhole; readonly isShown?: boolean } = {},
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!Deno.stdin.isTerminal()) throw new TypeError("Expected a terminal");
  const { isWhole = () => true } = typing;
  const isShown = typing.isShown === true && Deno.stderr.isTerminal();
  const say = (text: string) => Deno.stderr.writeSync(encoder.encode(text));
  const keys = new TypedKeys(isWhole);
  const draw = () => isShown && say(`${OTHER_SCREEN.clear}${prompt}${drawn(keys)}`);
  Deno.stdin.setRaw(true);
  try {
    say(isShown ? OTHER_SCREEN.enter : prompt);
    draw();
    return await readKeys(keys, draw) ? keys.copy() : null;
  } finally {
    keys.wipe();
    Deno.stdin.setRaw(false);
    say(isShown ? `${OTHER_SCREEN.leave}${prompt}\n` : "\n");
  }
}
