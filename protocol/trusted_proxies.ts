/**
 * Who really asks, where a reverse proxy stands before a program: what the proxies that the operator trusts say of
 * the address they were called from, and nobody else.
 *
 * @module
 */
import { parseIpv4, parseIpv6 } from "./special_addresses.ts";

const MAX_NETWORKS = 64;
const MAX_HEADER_LENGTH = 2_048;
/** Of longer chains only so many are followed, from this end. */
const MAX_HOPS = 16;

/** IPv4 addresses are counted inside IPv6 as `::ffff:a.b.c.d`, which is also how some listeners show them. */
const MAPPED_IPV4 = 0xffffn;
const IPV6_BITS = 128;
const IPV4_BITS = 32;

interface Network {
  readonly value: bigint;
  readonly hostBits: bigint;
}

/** @returns The number of an address, IPv6 without brackets, or `null` for any other text. */
function parseAddress(text: string): bigint | null {
  const ipv4 = parseIpv4(text);
  return ipv4 === null ? parseIpv6(text) : MAPPED_IPV4 << 32n | ipv4;
}

/** The one spelling that an address is counted by. */
function formatAddress(value: bigint): string {
  const parts = (count: number, bits: bigint, radix: number) =>
    Array.from({ length: count }, (_, at) => {
      const shift = bits * BigInt(count - 1 - at);
      return (value >> shift & (1n << bits) - 1n).toString(radix);
    });
  return value >> 32n === MAPPED_IPV4 ? parts(4, 8n, 10).join(".") : parts(8, 16n, 16).join(":");
}

function parseNetwork(text: string): Network | null {
  const [address = "", length, ...more] = text.split("/");
  const value = parseAddress(address);
  if (value === null || more.length > 0) return null;
  const maxBits = parseIpv4(address) === null ? IPV6_BITS : IPV4_BITS;
  if (length !== undefined && !/^[1-9]\d{0,2}$/.test(length)) return null;
  const bits = length === undefined ? maxBits : Number(length);
  return bits > maxBits ? null : { value, hostBits: BigInt(maxBits - bits) };
}

/** One hop as `X-Forwarded-For` writes it: an address, perhaps with a port, IPv6 then in brackets. */
function parseHop(text: string): bigint | null {
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text) ?? [];
  if (bracketed !== undefined) return parseIpv6(bracketed);
  const [, quad] = /^([\d.]+):\d{1,5}$/.exec(text) ?? [];
  return parseAddress(quad ?? text);
}

/** One parameter of `Forwarded`: its name, its value, as a token or quoted, and what ends it. */
const PARAMETER =
  /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))[ \t]*([,;]|$)/y;

/**
 * The `for` of each element of `Forwarded` (RFC 7239 §4), the nearest last.
 * @returns Empty texts where an element has none, or `null` for a header that is malformed.
 */
function readForwarded(header: string): string[] | null {
  const hops: string[] = [];
  let hop = "";
  const parameter = new RegExp(PARAMETER);
  for (let end = ""; parameter.lastIndex < header.length || end !== "";) {
    const match = parameter.exec(header);
    if (match === null) return null;
    const [, name = "", quoted, token = "", ending = ""] = match;
    if (name.toLowerCase() === "for") hop = quoted?.replace(/\\(.)/g, "$1") ?? token;
    end = ending;
    if (end === ";") continue;
    hops.push(hop);
    hop = "";
  }
  return hops;
}

/** The proxies whose word counts. */
export class TrustedProxies {
  /** Nobody's word counts. */
  static readonly NONE = new TrustedProxies("", []);
  /** The list that it was read from; empty for nobody. */
  readonly text: string;
  readonly #networks: readonly Network[];

  private constructor(text: string, networks: readonly Network[]) {
    this.text = text;
    this.#networks = networks;
  }

  /**
   * Reads a list of addresses and networks, such as `127.0.0.1,10.0.0.0/8,fd00::/8`.
   * @returns `null` for a list of another form, of more than 64, or with one that holds every address.
   */
  static parse(text: string): TrustedProxies | null {
    const networks = text.split(",").map((part) => parseNetwork(part.trim()));
    const isGood = networks.every((network) => network !== null);
    return isGood && networks.length <= MAX_NETWORKS ? new TrustedProxies(text, networks) : null;
  }

  /** Whether the word of whoever has this address counts. */
  has(address: string): boolean {
    if (this.#networks.length === 0) return false;
    const value = parseAddress(address);
    return value !== null && this.#trusts(value);
  }

  /**
   * Who a request is from: the address of its connection, or, if that is a trusted proxy, the nearest address that
   * the proxies name and that is none of theirs; the farthest one if all are.
   * @param connection The other end of the connection, as the server shows it.
   * @param request Whose headers are looked at only where the connection is a trusted proxy's.
   * @returns The connection's address wherever the headers are missing, malformed, too long, contradict each other or
   *   name no address.
   */
  clientOf(connection: string, request: { readonly headers: Headers }): string {
    if (this.#networks.length === 0) return connection;
    const nearest = parseAddress(connection);
    if (nearest === null || !this.#trusts(nearest)) return connection;
    const { headers } = request;
    const forwardedFor = headers.get("x-forwarded-for");
    const forwarded = headers.get("forwarded");
    const named = [
      ...(forwardedFor === null ? [] : [this.#client(forwardedFor, splitList)]),
      ...(forwarded === null ? [] : [this.#client(forwarded, readForwarded)]),
    ];
    const [client = null] = named;
    // A proxy that writes one of the two lets the client's own other one through.
    return client === null || named.some((other) => other !== client)
      ? formatAddress(nearest)
      : formatAddress(client);
  }

  #client(header: string, read: (header: string) => string[] | null): bigint | null {
    if (header.length > MAX_HEADER_LENGTH) return null;
    const hops = read(header)?.slice(-MAX_HOPS).reverse() ?? [];
    let farthest: bigint | null = null;
    for (const hop of hops) {
      const address = parseHop(hop);
      // What stands before a hop that names no address was told by somebody unknown.
      if (address === null) return null;
      farthest = address;
      if (!this.#trusts(address)) break;
    }
    return farthest;
  }

  #trusts(address: bigint): boolean {
    return this.#networks.some(({ value, hostBits }) => address >> hostBits === value >> hostBits);
  }
}

function splitList(header: string): string[] {
  return header.split(",").map((part) => part.trim());
}
