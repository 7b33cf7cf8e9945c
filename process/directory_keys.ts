/**
 * The keys by which a node registers with directories that take invited nodes only.
 *
 * @module
 */
import {
  keyForDirectory,
  type KeyLine,
  MAX_KEY_FILE_BYTES,
  parseKeyLines,
} from "../protocol/directory_key.ts";
import { checkSize, readNamedFile } from "./named_file.ts";
import { ProcessError } from "./process_error.ts";

const FLAG = "--directory-key-file";

/** @throws {ProcessError} Exit code 2 for a file that cannot be read, or holds anything but keys. */
function readLines(path: string): readonly KeyLine[] {
  const content = readNamedFile(path, FLAG);
  checkSize(content, { path, flag: FLAG, minBytes: 1, maxBytes: MAX_KEY_FILE_BYTES });
  const lines = parseKeyLines(new TextDecoder().decode(content));
  content.fill(0);
  if (lines !== null) return lines;
  const text = `${FLAG}: ${path}: expected openred-key-…, or a URL and that, on each line`;
  throw new ProcessError(2, text);
}

/**
 * Gives the key for a directory, from a file that is read each time: another key needs no other start.
 * @throws {ProcessError} Exit code 2 for a file that cannot be read, or holds anything but keys.
 */
export function directoryKeysOf(
  path: string | null,
): (url: string) => Promise<Uint8Array<ArrayBuffer> | null> {
  if (path !== null) readLines(path);
  return (url) => {
    if (path === null) return Promise.resolve(null);
    try {
      return Promise.resolve(keyForDirectory(readLines(path), url));
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      // It was right at the start. Whoever changes it sees that this node is refused.
      return Promise.resolve(null);
    }
  };
}
