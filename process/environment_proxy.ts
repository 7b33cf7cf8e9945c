/**
 * The proxy that the environment names, which the runtime uses for every request to others: said at the start, because
 * nothing in a failing request names it.
 *
 * @module
 */
import type { Log } from "../ports/ports.ts";

const EXCEPTIONS = ["NO_PROXY", "no_proxy"] as const;

const PROXIES = [
  "HTTPS_PROXY",
  "https_proxy",
  "HTTP_PROXY",
  "http_proxy",
  "ALL_PROXY",
  "all_proxy",
] as const;

/** What is looked at here, and has to be permitted. */
export const PROXY_VARIABLES: readonly string[] = [...PROXIES, ...EXCEPTIONS];

/** Leaves a line for each proxy that is named. Names and passwords in its URL are not shown. */
export function noteEnvironmentProxies(
  log: Log,
  env: (name: string) => string | undefined,
): void {
  const except = EXCEPTIONS.map((name) => env(name)).find((value) => value !== undefined) ?? "";
  for (const name of PROXIES) {
    const value = env(name);
    if (value === undefined || value === "") continue;
    const proxy = URL.canParse(value) ? new URL(value).host : "a proxy whose URL cannot be read";
    const text =
      `Requests to others go through ${proxy}, which ${name} names; NO_PROXY excepts hosts`;
    log.log("warn", "environment_proxy", { text, except: except.slice(0, 256) });
  }
}
