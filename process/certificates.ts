/**
 * What the options say of TLS: the certificate to serve, and whom to believe besides the public authorities.
 *
 * @module
 */
import type { Log } from "../ports/ports.ts";
import { createSystemHttpClient, openFiles, systemClock } from "../ports/system.ts";
import type { AcmeSettings } from "../protocol/acme_settings.ts";
import type { CertificateInUse } from "./certificate_in_use.ts";
import type { ListeningOptions } from "./listening.ts";
import { readPem } from "./pem_files.ts";
import { ProcessError } from "./process_error.ts";

/** What the options say of the certificate. */
export interface CertificateOptions {
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  /** `null`: none is got from an authority. */
  readonly acme: AcmeSettings | null;
  /** Private authorities that are believed too. */
  readonly ca: string | null;
}

/** What getting one from an authority takes. */
export interface CertificateParts {
  readonly log: Log;
  /** The data directory. */
  readonly data: string;
  readonly program: ListeningOptions["name"];
  /** Ends the waiting for the first one. */
  readonly signal: AbortSignal;
}

/**
 * @returns `null` where the options name none.
 * @throws {ProcessError} As {@linkcode ServedCertificate}, or {@linkcode AcmeCertificate.open}.
 */
export async function openCertificate(
  options: CertificateOptions,
  parts: CertificateParts,
): Promise<CertificateInUse | null> {
  const { tlsCert: certificate, tlsKey: key, acme } = options;
  const { log } = parts;
  if (acme !== null) {
    const { AcmeCertificate } = await import("./acme/acme_certificate.ts");
    const http = createSystemHttpClient({ authorities: readAuthorities(options.ca) });
    const files = openFiles(parts.data);
    const { program, signal } = parts;
    return await AcmeCertificate.open(
      { clock: systemClock, files, http, log, program },
      acme,
      signal,
    );
  }
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
