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
