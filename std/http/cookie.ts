/**
 * Stand-in for `jsr:@std/http/cookie`.
 *
 * @module
 */

/** A cookie to set. */
export interface Cookie {
  name: string;
  value: string;
  /** A date, or milliseconds since the epoch. */
  expires?: Date | number;
  /** Seconds, at least 0. */
  maxAge?: number;
  domain?: string;
  path?: string;
  secure?: boolean;
  httpOnly?: boolean;
  partitioned?: boolean;
  sameSite?: "Strict" | "Lax" | "None";
  /** Further attributes, as they are. */
  unparsed?: string[];
}

/** Printable ASCII without separators. */
const NAME = /^[!#$%&'*+\-./0-9A-Z^_`a-z|~]+$/;
/** What a value must not have: all but visible ASCII, and `",;\`. */
const NOT_VALUE = /[^\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e\x80]/;

function checkName(name: string): void {
  if (!NAME.test(name)) throw new SyntaxError(`Invalid cookie name: "${name}".`);
}

function checkValue(name: string, value: string): void {
  const bad = value.match(NOT_VALUE)?.[0];
  if (bad === undefined) return;
  throw new SyntaxError(
    bad > "\x80"
      ? `RFC2616 cookie '${name}' can only have US-ASCII chars as value` +
        bad.charCodeAt(0).toString(16)
      : `RFC2616 cookie '${name}' cannot contain character '${bad}'`,
  );
}

function checkPath(path: string): void {
  const bad = path.match(/[^\x20-\x7e]|;/);
  if (bad) throw new SyntaxError(`${path}: Invalid cookie path char '${bad[0]}'`);
}

function checkDomain(domain: string): void {
  if (/^-|[.-]$/.test(domain)) {
    throw new SyntaxError(`Invalid first/last char in cookie domain: ${domain}`);
  }
}

function checkMaxAge(maxAge: number): void {
  if (maxAge < 0) {
    throw new RangeError("Max-Age must be an integer superior or equal to 0. Cookie ignored.");
  }
}

/** What the prefix of a name demands (RFC 6265bis §4.1.3). */
function applyPrefix(cookie: Cookie): void {
  if (cookie.name.startsWith("__Secure")) cookie.secure = true;
  if (!cookie.name.startsWith("__Host")) return;
  cookie.path = "/";
  cookie.secure = true;
  delete cookie.domain;
}

function writeCookie(cookie: Cookie): string {
  checkName(cookie.name);
  checkValue(cookie.name, cookie.value);
  applyPrefix(cookie);
  const { maxAge, domain, path, expires } = cookie;
  const parts = [`${cookie.name}=${cookie.value}`];
  if (cookie.secure) parts.push("Secure");
  if (cookie.httpOnly) parts.push("HttpOnly");
  if (cookie.partitioned) parts.push("Partitioned");
  if (Number.isInteger(maxAge)) {
    checkMaxAge(maxAge!);
    parts.push(`Max-Age=${maxAge}`);
  }
  if (domain) {
    checkDomain(domain);
    parts.push(`Domain=${domain}`);
  }
  if (cookie.sameSite) parts.push(`SameSite=${cookie.sameSite}`);
  if (path) {
    checkPath(path);
    parts.push(`Path=${path}`);
  }
  if (expires) parts.push(`Expires=${new Date(expires).toUTCString()}`);
  if (cookie.unparsed) parts.push(cookie.unparsed.join("; "));
  return parts.join("; ");
}

/** Reads the cookies of a request, by name. */
export function getCookies(headers: Headers): Record<string, string> {
  const cookies: Record<string, string> = {};
  for (const pair of headers.get("Cookie")?.split(";") ?? []) {
    const [name, ...value] = pair.split("=");
    cookies[name!.trim()] = value.join("=");
  }
  return cookies;
}

/**
 * Adds a `Set-Cookie` header; a cookie without name adds none.
 * @throws {SyntaxError} On characters that a part must not have.
 * @throws {RangeError} On a negative `maxAge`.
 */
export function setCookie(headers: Headers, cookie: Cookie): void {
  if (cookie.name) headers.append("Set-Cookie", writeCookie(cookie));
}

/** Has the client forget a cookie. The attributes must be those it was set with. */
export function deleteCookie(
  headers: Headers,
  name: string,
  attributes?: Pick<Cookie, "path" | "domain" | "secure" | "httpOnly" | "partitioned">,
): void {
  setCookie(headers, { name, value: "", expires: new Date(0), ...attributes });
}
