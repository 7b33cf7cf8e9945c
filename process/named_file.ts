/**
 * Files that an option names.
 *
 * @module
 */
import { ProcessError } from "./process_error.ts";

/** What a file is for and may hold; `flag` is the option that names it, for errors. */
export interface FileOptions {
  readonly flag: string;
  readonly minBytes: number;
  readonly maxBytes: number;
}

/** Reads one. @throws {ProcessError} Exit code 2 where that cannot be done. */
export function readNamedFile(path: string, flag: string): Uint8Array<ArrayBuffer> {
  try {
    return Deno.readFileSync(path);
  } catch (cause) {
    throw new ProcessError(2, `${flag}: cannot read the file ${path}`, { cause });
  }
}

/** @throws {ProcessError} Exit code 2 for content of the wrong size. */
export function checkSize(
  content: Uint8Array,
  { path, flag, minBytes, maxBytes }: FileOptions & { readonly path: string },
): void {
  const { length } = content;
  if (length >= minBytes && length <= maxBytes) return;
  const expected = `expected ${minBytes} to ${maxBytes}`;
  throw new ProcessError(2, `${flag}: ${path} has ${length} bytes, ${expected}`);
}
