/**
 * Bytes of a log file as lines. Valid ones are ASCII; whatever else stands there keeps its bytes as Latin-1.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** The lines of a file without their newlines, and what follows the last newline. */
export interface SplitLines {
  readonly lines: readonly string[];
  readonly rest: string;
}

/** Splits the content of a file into lines. */
export function splitLines(content: Uint8Array): SplitLines {
  const lines = Buffer.from(content.buffer, content.byteOffset, content.length)
    .toString("latin1").split("\n");
  const rest = lines.pop() ?? "";
  return { lines, rest };
}

/** The list in parts of at most `size`. */
export function* inBatches<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}
