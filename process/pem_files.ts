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

/**
 * Takes the certificates and the key of one file apart.
 * @throws {Error} Where it lacks either.
 */
export function splitPem(text: string): { readonly chain: string; readonly key: string } {
  const blocks = text.match(/-----BEGIN ([A-Z ]+)-----[\s\S]*?-----END \1-----/g) ?? [];
  const certificates = blocks.filter((one) => one.startsWith("-----BEGIN CERTIFICATE-----"));
  const key = blocks.find((one) => /^-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(one));
  if (certificates.length === 0) throw new Error("it holds no certificate in PEM");
  if (key === undefined) throw new Error("it holds no private key in PEM");
  return { chain: `${certificates.join("\n")}\n`, key: `${key}\n` };
}
