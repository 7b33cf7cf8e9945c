/**
 * HTTP to this machine itself, as a port. It is apart from `HttpClient` because it carries the admin token,
 * which no proxy that the environment names may see.
 *
 * @module
 */

/** What the other end of a connection has to answer rightly before it is sent a request. */
export interface LoopbackChallenge {
  /** With its query; asked by `GET`. */
  readonly path: string;
  /** Judges the body of an answer 200. */
  readonly isRight: (body: Uint8Array) => Promise<boolean>;
}

/** The other end of a connection did not answer a challenge rightly, and was sent nothing else. */
export class UnprovenServer extends Error {
  override readonly name = "UnprovenServer";
}

export interface LoopbackRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** `http:` to a loopback address literal. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Asked first, on the same connection. */
  readonly challenge?: LoopbackChallenge;
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
 * @throws {UnprovenServer} Where the challenge was not answered rightly.
 * @throws {Error} When no answer begins, or `signal` fired.
 */
export type SendLoopback = (request: LoopbackRequest) => Promise<LoopbackAnswer>;

/** Whether the host of a URL, IPv6 in brackets, is a name of this machine itself. */
export function isOwnHost(hostname: string): boolean {
  return hostname === "localhost" || isLoopback(hostname.replace(/^\[|\]$/g, ""));
}

/** Whether a request names this machine as its host: a name that somebody else's name server leads here does not. */
export function isToOwnHost(request: Request): boolean {
  const host = request.headers.get("host");
  const url = host === null ? request.url : `http://${host}`;
  return URL.canParse(url) && isOwnHost(new URL(url).hostname);
}

/** Whether a host is a loopback address literal, IPv6 without brackets. */
export function isLoopback(hostname: string): boolean {
  const octets = hostname.split(".");
  const ipv4 = octets.length === 4 &&
    octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256);
  return hostname === "::1" || (ipv4 && octets[0] === "127");
}
