/**
 * HTTP to this machine itself, as a port. It is apart from `HttpClient` because it carries the admin token,
 * which no proxy that the environment names may see.
 *
 * @module
 */

export interface LoopbackRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `http:` to a loopback address literal. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface LoopbackAnswer {
  readonly status: number;
  /** The body as it comes. Throws when the connection breaks or `signal` fires. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends a request to this machine.
 * @throws {RangeError} For a URL that leaves this machine.
 * @throws {Error} When no answer begins, or `signal` fired.
 */
export type SendLoopback = (request: LoopbackRequest) => Promise<LoopbackAnswer>;

/** Whether a host is a loopback address literal, IPv6 without brackets. */
export function isLoopback(hostname: string): boolean {
  const octets = hostname.split(".");
  const ipv4 = octets.length === 4 &&
    octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256);
  return hostname === "::1" || (ipv4 && octets[0] === "127");
}
