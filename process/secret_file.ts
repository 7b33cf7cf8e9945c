/**
 * Files of an operator that hold a secret, or something else that is short.
 *
 * @module
 */
import { checkSize, type FileOptions, readNamedFile } from "./named_file.ts";

/**
 * Reads a file without the end of its line, which an editor adds.
 * @throws {ProcessError} Exit code 2 for a file that cannot be read or has the wrong size.
 */
export function readShortFile(path: string, options: FileOptions): Uint8Array<ArrayBuffer> {
  const content = readNamedFile(path, options.flag);
  let length = content.length;
  if (content[length - 1] === 0x0a) length -= 1;
  if (length < content.length && content[length - 1] === 0x0d) length -= 1;
  const short = content.slice(0, length);
  checkSize(short, { ...options, path });
  return short;
}
