/**
 * How often and how many at a time one host is called (docs/PROTOCOL.md, "Limits").
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";
import type { DirectoryLimits } from "./config.ts";
import { RateLimit } from "./rate_limits.ts";

/** How long somebody should wait for a call under way to end. */
const IN_FLIGHT_RETRY_MS = 1_000;

/**
 * What the limits count by: the host name. A loopback address is counted together with its port, since
 * whoever allows those runs several nodes behind one.
 * @returns Empty for an empty URL.
 */
export function calledHost(apiUrl: string): string {
  if (apiUrl === "") return "";
  const { hostname, host } = new URL(apiUrl);
  return /^127\.|^\[::1\]$|^localhost$/.test(hostname) ? host : hostname;
}

/** Counts the calls to each host. */
export class CalledHosts {
  readonly #inFlight = new Map<string, number>();
  readonly #perMinute: RateLimit;
  readonly #maxInFlight: number;

  constructor(
    clock: Pick<Clock, "monotonicMs">,
    limits: Pick<DirectoryLimits, "hostInFlight" | "hostPerMinute">,
  ) {
    this.#perMinute = new RateLimit(clock, {
      perMinute: limits.hostPerMinute,
      what: "to this host",
    });
    this.#maxInFlight = limits.hostInFlight;
  }

  /**
   * Runs one call to the host of a URL.
   * @throws {OpenRedError} `rate_limited`, or what `call` throws.
   */
  async call<T>(apiUrl: string, call: () => Promise<T>): Promise<T> {
    const host = calledHost(apiUrl);
    const inFlight = this.#inFlight.get(host) ?? 0;
    if (this.#maxInFlight > 0 && inFlight >= this.#maxInFlight) {
      throw new OpenRedError("rate_limited", "Too many calls to this host are under way", {
        retryAfterMs: IN_FLIGHT_RETRY_MS,
      });
    }
    this.#perMinute.check(host);
    this.#inFlight.set(host, inFlight + 1);
    try {
      return await call();
    } finally {
      this.#leave(host);
    }
  }

  #leave(host: string): void {
    const left = this.#inFlight.get(host)! - 1;
    if (left === 0) this.#inFlight.delete(host);
    else this.#inFlight.set(host, left);
  }
}
