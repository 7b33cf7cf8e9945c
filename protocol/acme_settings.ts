/**
 * What an operator says of a certificate that a program gets by itself (RFC 8555).
 *
 * @module
 */
import { classifyAddress } from "./special_addresses.ts";

/** Let's Encrypt. */
export const ACME_DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory";
/** Challenges come to port 80, always. */
export const ACME_LISTEN = { hostname: "0.0.0.0", port: 80 } as const;

/** What of it is asked for, checked. */
export interface AcmeSettings {
  /** Where the authority says what it offers. */
  readonly directoryUrl: string;
  /** Whom the certificate is for: a name in the DNS. */
  readonly name: string;
  /** Where the authority's challenges are answered, while there is one. */
  readonly listen: { readonly hostname: string; readonly port: number };
}

/** What was asked for. */
export interface AcmeWish {
  readonly acme: boolean;
  readonly acmeAgree: boolean;
  readonly acmeDirectory: string;
  readonly acmeListen: { readonly hostname: string; readonly port: number };
  /** The URL by which others call, if any is named. */
  readonly url: string | null;
  readonly tlsCert: string | null;
}

function isAddress(hostname: string): boolean {
  return classifyAddress(hostname.replace(/^\[|\]$/g, "")) !== null;
}

/**
 * Checks what was asked for.
 * @param urlFlag The option that names the URL.
 * @returns `null` where no certificate is wanted.
 * @throws {RangeError} With what is wrong.
 */
export function acmeSettingsOf(wish: AcmeWish, urlFlag: string): AcmeSettings | null {
  const { acme, acmeDirectory: directoryUrl, acmeListen: listen, url, tlsCert } = wish;
  if (!acme) return null;
  if (tlsCert !== null) {
    throw new RangeError("--acme and --tls-cert: a certificate is one of the two");
  }
  const { protocol, hostname } = new URL(url ?? "http://127.0.0.1");
  if (protocol !== "https:" || isAddress(hostname)) {
    throw new RangeError(
      `--acme needs ${urlFlag} https://NAME, the name that the certificate is for`,
    );
  }
  if (!wish.acmeAgree) {
    throw new RangeError(
      `--acme needs --acme-agree: read the authority's terms first, which ${directoryUrl} names, and say that you agree`,
    );
  }
  return { directoryUrl, name: hostname, listen };
}
