/**
 * What the console takes from a request of a browser, and whether a page of its own made it.
 *
 * @module
 */
import type { Browser } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { toOneLine } from "../../protocol/one_line.ts";
import { SESSION_HEADER, SIGN_IN_ROUTES } from "../../protocol/sign_in_api.ts";

/** Others on this host can set cookies of the same name. */
const MAX_COOKIES = 4;
const MAX_AGENT_LENGTH = 200;
/** The longest that browsers keep a cookie. */
const DEVICE_SECONDS = 400 * 86_400;

/** One of the console's own origins. */
export interface Site {
  readonly origin: string;
  readonly isLocal: boolean;
}

/**
 * Makes sure that a page of this very origin asks: cookies alone tell neither pages of other ports of this host nor
 * those of other sites apart from it.
 * @throws {OpenRedError} `forbidden`.
 */
export function checkSameOrigin({ method, headers }: Request, { origin }: Site): void {
  const isRead = method === "GET";
  const isOwn = headers.get("sec-fetch-site") === "same-origin";
  const [type] = (headers.get("content-type") ?? "").split(";");
  const isWritten = headers.get("origin") === origin && type?.trim() === "application/json";
  if (isOwn && (isRead || isWritten) && !headers.has("authorization")) return;
  throw new OpenRedError("forbidden", "The console answers its own page only");
}

/** Cookies ignore ports: the names tell nodes of one machine apart. */
function cookieNames({ origin }: Site): { readonly session: string; readonly device: string } {
  const { protocol, port } = new URL(origin);
  const number = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  return { session: `openred_session_${number}`, device: `openred_device_${number}` };
}

function cookiesOf(headers: Headers, name: string): string[] {
  const pairs = (headers.get("cookie") ?? "").split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
    .slice(0, MAX_COOKIES);
}

/** What a request shows. */
export function browserOf({ headers }: Request, site: Site): Browser {
  const names = cookieNames(site);
  return {
    ...site,
    cookies: cookiesOf(headers, names.session),
    devices: cookiesOf(headers, names.device),
    secret: headers.get(SESSION_HEADER),
    agent: toOneLine(headers.get("user-agent") ?? "").slice(0, MAX_AGENT_LENGTH),
  };
}

/** The headers that change what the browser holds. */
export function cookieHeaders(
  site: Site,
  { cookie, device }: { readonly cookie?: string | null; readonly device?: string },
): string[] {
  const names = cookieNames(site);
  const rest = `HttpOnly; SameSite=Strict${site.isLocal ? "" : "; Secure"}`;
  const lines: string[] = [];
  if (cookie === null) lines.push(`${names.session}=; ${rest}; Path=/; Max-Age=0`);
  else if (cookie !== undefined) lines.push(`${names.session}=${cookie}; ${rest}; Path=/`);
  if (device !== undefined) {
    const path = SIGN_IN_ROUTES.slice(0, -1);
    lines.push(`${names.device}=${device}; ${rest}; Path=${path}; Max-Age=${DEVICE_SECONDS}`);
  }
  return lines;
}
