/**
 * Notices a reverse proxy that nobody has named: then all callers share the limits of one address.
 *
 * @module
 */
import { isLoopback, isOwnHost } from "../ports/loopback.ts";
import type { Log } from "../ports/ports.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";

/** So many requests are looked at together. */
const WINDOW = 200;
/** How many of them come from one address where a proxy stands in front. */
const NEARLY_ALL = 190;

/** Counts requests of this machine's own addresses. */
export class ProxyWatch {
  readonly #log: Log;
  readonly #proxies: TrustedProxies;
  readonly #counts = new Map<string, number>();
  #total = 0;
  /** Nothing is counted once it is said. */
  #isOver: boolean;

  /** @param options `url`: by which others call; where that is this machine's own, so are those who call. */
  constructor(
    options: {
      readonly log: Log;
      readonly proxies: TrustedProxies;
      readonly url: string | null;
    },
  ) {
    this.#log = options.log;
    this.#proxies = options.proxies;
    const { url } = options;
    const hostname = url === null ? "127.0.0.1" : new URL(url).hostname;
    this.#isOver = isOwnHost(hostname);
  }

  /** @param address The other end of the connection. */
  note(address: string): void {
    if (this.#isOver) return;
    this.#total += 1;
    if (isLoopback(address) && !this.#proxies.has(address)) {
      const count = (this.#counts.get(address) ?? 0) + 1;
      this.#counts.set(address, count);
      if (count >= NEARLY_ALL) return this.#say(address);
    }
    if (this.#total < WINDOW) return;
    this.#total = 0;
    this.#counts.clear();
  }

  #say(address: string): void {
    this.#isOver = true;
    const text =
      `Nearly all requests come from ${address}, a proxy of this machine, and share its limits; ` +
      `name it with --trusted-proxies ${address}, and have it send X-Forwarded-For`;
    this.#log.log("warn", "proxy_not_trusted", { address, text });
  }
}
