/**
 * The IP addresses that no stranger's URL may lead to: everything that the IANA special-purpose
 * registries take out of the public internet, and what other addresses hide behind.
 *
 * @module
 */

/** Network and prefix length (RFC 6890 and what was registered since). */
export const SPECIAL_IPV4: readonly (readonly [network: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/**
 * Of IPv6 only 2000::/3 is handed out, so all else is special: loopback, unspecified, mapped and
 * compatible IPv4, NAT64, discard-only, unique local, link-local, site-local, multicast. These
 * parts of it are too.
 */
export const PUBLIC_IPV6: readonly [network: string, bits: number] = ["2000::", 3];
export const SPECIAL_IPV6: readonly (readonly [network: string, bits: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["2620:4f:8000::", 48],
  ["3fff::", 20],
];

/** @returns The number of a dotted quad, or `null` for any other spelling. */
export function parseIpv4(text: string): bigint | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  let value = 0n;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith("0"))) return null;
    value = value << 8n | BigInt(part);
  }
  return value;
}

/** Rewrites a dotted quad at the end as two groups; `null` if there is one and it is none. */
function replaceQuad(text: string): string | null {
  if (!text.includes(".")) return text;
  const at = text.lastIndexOf(":") + 1;
  const quad = parseIpv4(text.slice(at));
  if (quad === null) return null;
  return `${text.slice(0, at)}${(quad >> 16n).toString(16)}:${(quad & 0xffffn).toString(16)}`;
}

/** @returns The number of an IPv6 address without zone, or `null` if it is none. */
export function parseIpv6(text: string): bigint | null {
  const plain = replaceQuad(text);
  if (plain === null) return null;
  const halves = plain.split("::").map((half) => half === "" ? [] : half.split(":"));
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  let value = 0n;
  for (const group of [...head, ...new Array<string>(missing).fill("0"), ...tail]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    value = value << 16n | BigInt(`0x${group}`);
  }
  return value;
}

function isInside(
  address: bigint,
  network: bigint,
  options: { readonly bits: number; readonly width: number },
): boolean {
  const shift = BigInt(options.width - options.bits);
  return address >> shift === network >> shift;
}

function isSpecialIpv4(address: bigint): boolean {
  return SPECIAL_IPV4.some(([network, bits]) =>
    isInside(address, parseIpv4(network)!, { bits, width: 32 })
  );
}

function isSpecialIpv6(address: bigint): boolean {
  const isIn = ([network, bits]: readonly [string, number]) =>
    isInside(address, parseIpv6(network)!, { bits, width: 128 });
  return !isIn(PUBLIC_IPV6) || SPECIAL_IPV6.some(isIn);
}

/**
 * Judges an IP address as a resolver or a URL writes it, IPv6 without brackets.
 * @returns `public`, `special`, or `null` for a text that is no address.
 */
export function classifyAddress(text: string): "public" | "special" | null {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== null) return isSpecialIpv4(ipv4) ? "special" : "public";
  // A zone makes sense on links only; what stands before it is special then in any case.
  if (/^fe[89ab][0-9a-f]:[0-9a-f:]*%\S+$/i.test(text)) return "special";
  const ipv6 = parseIpv6(text);
  if (ipv6 === null) return null;
  return isSpecialIpv6(ipv6) ? "special" : "public";
}
