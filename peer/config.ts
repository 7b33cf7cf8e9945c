/**
 * What a node is told at its start.
 *
 * @module
 */
import type { KeystoreCost, RotationPolicy } from "../crypto/interface.ts";
import type {
  AuditSettings,
  PostQuantumPolicy,
  StrangerPolicy,
} from "../protocol/node_settings.ts";
import type { RelayAddress } from "../protocol/relay.ts";
import type { TrustedProxies } from "../protocol/trusted_proxies.ts";

/** Where the console is. */
export interface ConsoleSettings {
  /** As browsers of this machine see it; `null` where it does not listen. */
  readonly origin: string | null;
  /** Why it does not. */
  readonly why: string;
  /** Whether that is a failure, which the owner is told of. */
  readonly hasFailed: boolean;
  /** Origins of proxies that lead here. */
  readonly proxies: readonly string[];
}

/** What the run of a node needs that follows another one in the same process. */
export interface NextRun {
  /** Of its keys; wiped by that run. `null`: none. */
  readonly passphrase: Uint8Array | null;
  readonly consoleLink: string;
}

export interface NodeConfig {
  readonly version: string;
  /** Where others reach this node, without a final slash. */
  readonly apiUrl: string;
  /** Through whom others reach this node, in the place of `apiUrl`; `auto`: whom its directories name. */
  readonly relay?: RelayAddress | "auto";
  /** Origins at which this node can be called too, told to whoever has its record. */
  readonly directUrls?: readonly string[];
  /** Where peers in a local network can call this node; with it, both ends tell and try such addresses. */
  readonly lan?: { readonly hostname: string; readonly port: number };
  /** Each a URL, or URL`#`id. */
  readonly directories: readonly string[];
  readonly alias?: string;
  readonly unlisted: boolean;
  readonly pq: PostQuantumPolicy;
  readonly rotation: RotationPolicy;
  /** What becomes of what peers without permission send: a contact request is kept, or nothing is. */
  readonly strangers: StrangerPolicy;
  /** Whether private addresses and `http` names may be called (development, LAN). */
  readonly allowPrivate: boolean;
  /** The owner's own folder, absolute, where a page lets files land. */
  readonly home?: string;
  /** What a request to the admin API must carry. */
  readonly adminToken: string;
  /** None if absent. */
  readonly console?: ConsoleSettings;
  /** Opens the console once: for the browser that had this identity follow another one. */
  readonly consoleLink?: string;
  /** What opens metrics and details of readiness, and nothing else. */
  readonly metricsToken?: string;
  /** Longest life this node gives a session, 60,000 to 86,400,000. */
  readonly sessionLifeMs: number;
  readonly maxConnections: number;
  readonly idleConnectionMs: number;
  /** Handshakes taken from one address a minute. */
  readonly handshakesPerMinute: number;
  /** Whose word counts on where a request came from. */
  readonly trustedProxies: TrustedProxies;
  readonly keystoreCost?: KeystoreCost;
  /** What opens the node secret, where a passphrase was set; wiped. */
  readonly passphrase?: Uint8Array;
  /** How the audit log is kept; {@linkcode AUDIT_DEFAULTS} if absent. */
  readonly audit?: AuditSettings;
}
