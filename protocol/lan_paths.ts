/**
 * Addresses of local networks, as nodes tell them to each other in a session (docs/PROTOCOL.md, "Paths").
 *
 * @module
 */
import { parseIpv4 } from "./special_addresses.ts";

/** The networks that everybody may use at home: RFC 1918. Loopback, link-local and carriers' ones are none of them. */
const PRIVATE_NETWORKS = [["10.0.0.0", 8], ["172.16.0.0", 12], ["192.168.0.0", 16]] as const;

/** Below it are the services of routers and printers. */
export const MIN_LAN_PORT = 1_024;
const MAX_PORT = 65_535;

/** A network that an interface of this machine is in. */
export interface OwnNetwork {
  /** The interface's own IPv4 address. */
  readonly address: string;
  /** How many leading bits of an address are the network's. */
  readonly bits: number;
}

function isInside(address: bigint, { network, bits }: { network: bigint; bits: number }): boolean {
  const shift = BigInt(32 - bits);
  return address >> shift === network >> shift;
}

/** Whether a text is an IPv4 address that is private. */
export function isPrivateIpv4(text: string): boolean {
  const address = parseIpv4(text);
  return address !== null &&
    PRIVATE_NETWORKS.some(([network, bits]) =>
      isInside(address, { network: parseIpv4(network)!, bits })
    );
}

/** The path to an address, or `null` where peers would not take it. */
export function lanPath(hostname: string, port: number): string | null {
  const path = `http://${hostname}:${port}`;
  return isLanPath(path) ? path : null;
}

function hostOf(path: string): string | null {
  const match = /^http:\/\/([0-9.]{7,15}):([1-9]\d{3,4})$/.exec(path);
  if (match === null) return null;
  const [, host = "", port] = match;
  return isPrivateIpv4(host) && Number(port) >= MIN_LAN_PORT && Number(port) <= MAX_PORT
    ? host
    : null;
}

/** Whether a text is a path in its one form: `http`, a private IPv4 address, a port from 1,024 up, and nothing else. */
export function isLanPath(text: string): boolean {
  return hostOf(text) !== null;
}

/**
 * Whether a path leads to another machine of a private network that this one is in. The first and the last address of
 * a network are nobody's.
 */
export function isReachablePath(path: string, own: readonly OwnNetwork[]): boolean {
  const host = hostOf(path);
  if (host === null || own.some(({ address }) => address === host)) return false;
  const address = parseIpv4(host)!;
  return own.some(({ address: ownAddress, bits }) => {
    const network = parseIpv4(ownAddress);
    if (network === null || !isPrivateIpv4(ownAddress)) return false;
    const hostMask = (1n << BigInt(32 - bits)) - 1n;
    const isNobody = hostMask > 1n &&
      ((address & hostMask) === 0n || (address & hostMask) === hostMask);
    return isInside(address, { network, bits }) && !isNobody;
  });
}
