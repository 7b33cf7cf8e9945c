/**
 * Files with certificates and keys that options name.
 *
 * @module
 */
import { ProcessError } from "./process_error.ts";

const MAX_BYTES = 256 * 1024;

/** Where `--tls-cert` and `--tls-key` point. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** Reads a file that an option names. @throws {ProcessError} */
export function readPem(path: string, flag: string): string {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (cause) {
    throw new ProcessError(2, `${flag}: cannot read the file ${path}`, { cause });
  }
  if (text.length > MAX_BYTES) throw new ProcessError(2, `${flag}: ${path} is too large`);
  return text;
}
