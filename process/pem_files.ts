/**
 * Files with certificates and keys that options name.
 *
 * @module
 */
import { readNamedFile } from "./named_file.ts";
import { ProcessError } from "./process_error.ts";

const MAX_BYTES = 256 * 1024;

/** Where `--tls-cert` and `--tls-key` point. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** Reads a file that an option names. @throws {ProcessError} */
export function readPem(path: string, flag: string): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(readNamedFile(path, flag));
  if (text.length > MAX_BYTES) throw new ProcessError(2, `${flag}: ${path} is too large`);
  return text;
}
