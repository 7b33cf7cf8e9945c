/**
 * The process's streams and signals, for composition roots.
 *
 * @module
 */

const EXIT_INTERRUPTED = 130;

/** One standard stream to write to. */
export interface TerminalStream {
  readonly isTerminal: boolean;
  /** Width in columns, or `null` where there is none. */
  readonly columns: number | null;
  write(text: string): Promise<void>;
}

/** Makes a stream of text. When whoever read it has gone, `onGone` is called and writing does nothing. */
export function createTerminalStream(
  stream: typeof Deno.stdout,
  onGone: () => void,
): TerminalStream {
  const isTerminal = stream.isTerminal();
  return {
    isTerminal,
    // Some terminals do not know their size and say 0.
    columns: isTerminal ? Deno.consoleSize().columns || null : null,
    async write(text) {
      const bytes = new TextEncoder().encode(text);
      try {
        for (let at = 0; at < bytes.length;) at += await stream.write(bytes.subarray(at));
      } catch (error) {
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        onGone();
      }
    },
  };
}

/**
 * Reads standard input to its end, or until `signal` fires.
 * @throws {RangeError} When it is longer than `maxBytes`.
 */
export async function readStandardInput(
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
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
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

const MAX_HIDDEN_BYTES = 1024;
const KEYS = {
  interrupt: 0x03,
  endOfInput: 0x04,
  backspace: 0x08,
  delete: 0x7f,
  firstPrintable: 0x20,
};
const ENTER: readonly number[] = [0x0a, 0x0d];

/** Removes the last character, whose bytes after the first begin with the bits 10. */
function withoutLast(typed: Uint8Array, length: number): number {
  let end = length;
  while (end > 0 && (typed[end - 1]! & 0xc0) === 0x80) end--;
  return Math.max(0, end - 1);
}

/** @returns `null` when the person gave up, otherwise the length of what was typed. */
async function readKeys(typed: Uint8Array): Promise<number | null> {
  const read = new Uint8Array(64);
  let length = 0;
  for (;;) {
    const count = await Deno.stdin.read(read);
    if (count === null) return null;
    for (const key of read.subarray(0, count)) {
      if (ENTER.includes(key)) return length;
      if (key === KEYS.interrupt || key === KEYS.endOfInput) return null;
      if (key === KEYS.backspace || key === KEYS.delete) length = withoutLast(typed, length);
      else if (key >= KEYS.firstPrintable && length < typed.length) typed[length++] = key;
    }
    read.fill(0);
  }
}

/**
 * Asks a person for something that nobody should see, without echo, on standard error.
 * @returns What was typed, the caller's to wipe; `null` when the person gave up.
 * @throws {TypeError} Without a terminal.
 */
export async function readHidden(prompt: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!Deno.stdin.isTerminal()) throw new TypeError("Expected a terminal");
  const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  const typed = new Uint8Array(MAX_HIDDEN_BYTES);
  Deno.stdin.setRaw(true);
  try {
    say(prompt);
    const length = await readKeys(typed);
    return length === null ? null : typed.slice(0, length);
  } finally {
    typed.fill(0);
    Deno.stdin.setRaw(false);
    say("\n");
  }
}

/** The first interruption asks for an end; the second one is the end, after `onExit`. */
export function stopOnSignals(stop: AbortController, onExit: () => void = () => {}): void {
  const names: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) {
    Deno.addSignalListener(name, () => {
      if (!stop.signal.aborted) return stop.abort();
      onExit();
      Deno.exit(EXIT_INTERRUPTED);
    });
  }
}
