/**
 * How much room files take where they land.
 *
 * @module
 */
import type { OfferedFile } from "./offers.ts";

/** What a file or folder takes besides its content. */
const ENTRY_BYTES = 4_096;

/** What is reserved for files: what they were offered with, and 4 KiB for each of them. */
export function roomOf(files: readonly OfferedFile[]): number {
  return files.reduce((sum, { length, entries = 0 }) => {
    return sum + length + ENTRY_BYTES * (1 + entries);
  }, 0);
}
