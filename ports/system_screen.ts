/**
 * The terminal that this process was started in, key by key.
 *
 * @module
 */
import type { Terminal, TerminalSize } from "./terminal.ts";
import { writeAll } from "./write_all.ts";

const READ_BYTES = 16_384;
/** Of a terminal that does not know its size. */
const USUAL: TerminalSize = { columns: 80, rows: 24 };

function sizeNow(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : USUAL;
  } catch {
    return USUAL;
  }
}

/** @returns `null` unless input and output are a terminal. */
export function openTerminal(): Terminal | null {
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return null;
  let onResize = () => {};
  const resized = () => onResize();
  const isTold = Deno.build.os !== "windows";
  Deno.stdin.setRaw(true);
  if (isTold) Deno.addSignalListener("SIGWINCH", resized);
  return {
    size: sizeNow,
    onResize: (listener) => void (onResize = listener),
    async read() {
      const chunk = new Uint8Array(READ_BYTES);
      const count = await Deno.stdin.read(chunk);
      return count === null ? null : chunk.subarray(0, count);
    },
    async write(text) {
      try {
        await writeAll(Deno.stdout, new TextEncoder().encode(text));
      } catch (error) {
        // Whoever closed the terminal sees nothing any more; a signal tells the program.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      }
    },
    close() {
      if (isTold) Deno.removeSignalListener("SIGWINCH", resized);
      Deno.stdin.setRaw(false);
    },
  };
}

/** The lines of standard input, without their ends, as they come. */
export async function* inputLines(): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of Deno.stdin.readable) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}
