/**
 * Ports for servers that do not tell which one they were given.
 *
 * @module
 */

/**
 * Below the ports that a system gives to whoever asks for any (Linux from 32768, others from 49152: RFC 6335,
 * section 6): one of those that was free a moment ago may be some connection's by now.
 */
const LOWEST = 10_000;
const COUNT = 20_000;

let next = Math.floor(Math.random() * COUNT);

/** A port of this machine that was free a moment ago, and another one at each call. */
export function freePort(): number {
  while (true) {
    const port = LOWEST + next++ % COUNT;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
