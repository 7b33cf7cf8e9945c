/**
 * What the options say of TLS: the certificate to serve, and whom to believe besides the public authorities.
 *
 * @module
 */
import type { Log } from "../ports/ports.ts";
import { readPem } from "./pem_files.ts";
import { ProcessError } from "./process_error.ts";
import type { ServedCertificate } from "./served_certificate.ts";

/** @returns `null` where the options name none. @throws {ProcessError} As {@linkcode ServedCertificate}. */
export async function openCertificate(
  options: { readonly tlsCert: string | null; readonly tlsKey: string | null },
  log: Log,
): Promise<ServedCertificate | null> {
  const { tlsCert: certificate, tlsKey: key } = options;
  if (certificate === null || key === null) return null;
  const { ServedCertificate } = await import("./served_certificate.ts");
  return new ServedCertificate({ certificate, key }, { log });
}

/**
 * The authorities of `--ca`.
 * @throws {ProcessError} For a file that holds none.
 */
export function readAuthorities(path: string | null): readonly string[] {
  if (path === null) return [];
  const certificates = readPem(path, "--ca")
    .match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g);
  if (certificates === null) {
    throw new ProcessError(2, `--ca: ${path} holds no certificate in PEM`);
  }
  return certificates;
}
