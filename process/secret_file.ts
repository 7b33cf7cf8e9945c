/**
 * Files of an operator that hold a secret, or something else that is short.
 *
 * @module
 */
import { ProcessError } from "./process_error.ts";

interface FileOptions {
  /** The option that names the file, for errors. */
  readonly flag: string;
  readonly minBytes: number;
  readonly maxBytes: number;
}

/**
 * Reads a file without the end of its line, which an editor adds.
 * @throws {ProcessError} Exit code 2 for a file that cannot be read or has the wrong size.
 */
export function readShortFile(
  path: string,
  { flag, minBytes, maxBytes }: FileOptions,
): Uint8Array<ArrayBuffer> {
  let content;
  try {
    content = Deno.readFileSync(path);
  } catch (cause) {
    throw new ProcessError(2, `${flag}: cannot read the file ${path}`, { cause });
  }
  let length = content.length;
  if (content[length - 1] === 0x0a) length -= 1;
  if (length < content.length && content[length - 1] === 0x0d) length -= 1;
  if (length < minBytes || length > maxBytes) {
    const expected = `expected ${minBytes} to ${maxBytes}`;
    throw new ProcessError(2, `${flag}: ${path} has ${length} bytes, ${expected}`);
  }
  return content.slice(0, length);
}
