/**
 * The kinds of values that options and arguments take. Every reader throws a `RangeError` that says what
 * was expected and never repeats a whole value.
 *
 * @module
 */
import * as v from "valibot";
import { isLoopback, isOwnHost } from "../ports/loopback.ts";
import { OpenRedError } from "../protocol/errors.ts";
import {
  MAX_ALIAS_LENGTH,
  MAX_DIRECT_URL_BYTES,
  MAX_DIRECT_URLS,
  MAX_NAME_LENGTH,
} from "../protocol/limits.ts";
import { isOrigin } from "../protocol/record.ts";
import { type RelayAddress, relayAddress } from "../protocol/relay.ts";
import { groupNameSchema, permissionSchema } from "../protocol/peer_name.ts";
import { nodeIdSchema } from "../protocol/schemas.ts";
import { TrustedProxies } from "../protocol/trusted_proxies.ts";
import { checkUrlText } from "../protocol/url_policy.ts";

/** Where a server listens. */
export interface ListenAddress {
  /** An address literal without brackets, or a name. */
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const MAX_DIRECTORIES = 16;
const MAX_ORIGINS = 8;

/** A path of a file or folder. */
export function parsePath(text: string): string {
  if (text === "" || text.includes("\0")) throw new RangeError("expected a path");
  return text;
}

/** The directory of an authority that gives certificates. */
export function parseAuthority(text: string): string {
  const url = parseBaseUrl(text);
  if (url.startsWith("https://")) return url;
  throw new RangeError("expected an https URL");
}

/** The reverse proxies whose word on where a request came from counts. */
export function parseTrustedProxies(text: string): TrustedProxies {
  const proxies = TrustedProxies.parse(text);
  if (proxies === null) {
    throw new RangeError("expected addresses or networks, such as 127.0.0.1,10.0.0.0/8");
  }
  return proxies;
}

/** An integer within bounds, in decimal. */
export function parseInteger(text: string, options: { min: number; max: number }): number {
  const { min, max } = options;
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || number < min || number > max) {
    throw new RangeError(`expected a whole number from ${min} to ${max}`);
  }
  return number;
}

/** One of a few words. */
export function parseChoice<const T extends string>(text: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new RangeError(`expected one of ${choices.join(", ")}`);
  return choice;
}

/** `HOST:PORT`, with IPv6 addresses in brackets. */
export function parseListen(text: string): ListenAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]{1,253})):(\d{1,5})$/.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  const valid = match?.[1] === undefined ||
    URL.canParse(`http://[${match[1]}]`);
  if (hostname === undefined || !valid || port > 65_535) {
    throw new RangeError("expected HOST:PORT, such as 127.0.0.1:7601 or [::1]:0");
  }
  return { hostname, port };
}

/** `HOST:PORT` with a loopback address literal. */
export function parseLoopbackListen(text: string): ListenAddress {
  const address = parseListen(text);
  if (!isLoopback(address.hostname)) {
    throw new RangeError("expected a loopback address, such as 127.0.0.1:0 or [::1]:0");
  }
  return address;
}

/** Where the console listens, or `off` (`null`): a port, held on all loopback addresses. */
export function parseConsoleListen(text: string): ListenAddress | null {
  if (text === "off") return null;
  const address = parseListen(text);
  if (address.hostname === "localhost" || isLoopback(address.hostname)) return address;
  throw new RangeError(
    "expected off or 127.0.0.1:PORT; from elsewhere it is reached through a proxy with TLS, named by --console-origins",
  );
}

/** Origins by which browsers elsewhere reach the console, separated by commas. */
export function parseConsoleOrigins(text: string): readonly string[] {
  const origins = text.split(",").map((entry) => entry.trim());
  const isSecure = (origin: string) => isOrigin(origin) && origin.startsWith("https:");
  if (origins.length > MAX_ORIGINS || !origins.every(isSecure)) {
    throw new RangeError("expected up to 8 origins such as https://node.example");
  }
  return origins;
}

/**
 * A base URL in the one form that records allow.
 * @see docs/PROTOCOL.md, "URL policy"
 */
export function parseBaseUrl(text: string): string {
  try {
    checkUrlText(text, { allowPrivate: true });
    return text;
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    throw new RangeError("expected a URL such as https://node.example, without a final slash");
  }
}

/** Directories, separated by commas: each a URL, or URL`#`id to pin the directory's id. */
export function parseDirectories(text: string): readonly string[] {
  const entries = text.split(",").map((entry) => entry.trim());
  if (entries.length > MAX_DIRECTORIES) {
    throw new RangeError(`expected at most ${MAX_DIRECTORIES} directories`);
  }
  for (const entry of entries) {
    const [url = "", id, rest] = entry.split("#");
    parseBaseUrl(url);
    if (rest !== undefined || (id !== undefined && !v.is(nodeIdSchema, id))) {
      throw new RangeError("expected URL or URL#ID, separated by commas");
    }
  }
  const urls = entries.map((entry) => entry.split("#")[0]);
  if (new Set(urls).size !== urls.length) throw new RangeError("a directory is listed twice");
  return entries;
}

/** A relay, and whose it must be, or `null`; `auto`: one that the directories name. */
export function parseRelay(text: string): RelayAddress | "auto" {
  if (text === "auto") return "auto";
  const address = relayAddress(text);
  if (address === null) throw new RangeError("expected URL, URL#ID or auto");
  parseBaseUrl(address.url);
  return address;
}

/** How peers reach this node without its relay. */
export interface DirectWays {
  /** Origins that its record names. */
  readonly urls: readonly string[];
  /** Whether accepted peers are told its addresses in local networks, and theirs are tried. */
  readonly lan: boolean;
}

export const NO_DIRECT_WAYS: DirectWays = { urls: [], lan: false };
const LAN = "lan";

/** Origins at which a node can be called directly, and `lan`; `off` for none. */
export function parseDirect(text: string): DirectWays {
  if (text === "off") return NO_DIRECT_WAYS;
  const entries = text.split(",").map((entry) => entry.trim());
  const urls = entries.filter((entry) => entry !== LAN);
  const lan = urls.length < entries.length;
  if (entries.length - urls.length > 1) throw new RangeError(`expected ${LAN} once`);
  if (urls.length > MAX_DIRECT_URLS || new Set(urls).size !== urls.length) {
    throw new RangeError(`expected at most ${MAX_DIRECT_URLS} addresses, each once`);
  }
  if (!urls.every((url) => isOrigin(url) && url.length <= MAX_DIRECT_URL_BYTES)) {
    throw new RangeError("expected origins such as https://home.example:7601, lan, or off");
  }
  return { urls, lan };
}

/** A label its owner chose. */
export function parseAlias(text: string): string {
  if (text === "" || text.length > MAX_ALIAS_LENGTH || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw new RangeError(`expected 1 to ${MAX_ALIAS_LENGTH} characters without controls`);
  }
  return text;
}

/** A name of a service. */
export function parseName(text: string): string {
  if (!/^[\x20-\x7e]+$/.test(text) || text.length > MAX_NAME_LENGTH) {
    throw new RangeError(`expected 1 to ${MAX_NAME_LENGTH} printable ASCII characters`);
  }
  return text;
}

/** A permission. */
export function parsePermission(text: string): string {
  if (!v.is(permissionSchema, text)) {
    throw new RangeError("expected 1 to 32 of a–z, 0–9 and _, such as message");
  }
  return text;
}

/** A group of peers. */
export function parseGroup(text: string): string {
  if (!v.is(groupNameSchema, text)) {
    throw new RangeError("expected 1 to 32 of a–z, 0–9, _ and -, such as friends");
  }
  return text;
}

/** SHA-256 in hex. */
export function parseSha256(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new RangeError("expected 64 of 0–9 and a–f");
  return text;
}

/** The id of a node. */
export function parseNodeId(text: string): string {
  if (!v.is(nodeIdSchema, text)) {
    throw new RangeError("expected a node id, as 'openred-node id' prints it");
  }
  return text;
}

/** The URL of a collector of traces, without a final slash: `https`, or `http` to this machine. */
export function parseCollector(text: string): string {
  const url = URL.parse(text);
  const isBare = url !== null && url.username === "" && url.password === "" && url.search === "" &&
    url.hash === "" && !text.endsWith("/") && text.startsWith(url.protocol);
  const isClosed = url?.protocol === "https:" ||
    (url?.protocol === "http:" && isOwnHost(url.hostname));
  if (isBare && isClosed) return text;
  throw new RangeError(
    "expected https://HOST[:PORT], or http:// to a loopback address, without a final slash",
  );
}
