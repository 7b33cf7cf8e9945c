/**
 * What a node is told at its start.
 *
 * @module
 */
import type { KeystoreCost, RotationPolicy, Suite } from "../crypto/interface.ts";
import { CRYPTO_METHODS, SUITES } from "../crypto/interface.ts";
import type { AuditSettings } from "./audit/audit_parts.ts";
import type { StrangerPolicy } from "./permissions/frame_gate.ts";

export type PostQuantumPolicy = "require" | "prefer" | "off";

export interface NodeConfig {
  readonly version: string;
  /** Where others reach this node, without a final slash. */
  readonly apiUrl: string;
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
  readonly services: readonly string[];
  /** What a request to the admin API must carry. */
  readonly adminToken: string;
  /** Longest life this node gives a session, 60,000 to 86,400,000. */
  readonly sessionLifeMs: number;
  readonly maxConnections: number;
  readonly idleConnectionMs: number;
  /** Handshakes taken from one address a minute. */
  readonly handshakesPerMinute: number;
  readonly keystoreCost?: KeystoreCost;
  /** What opens the node secret, where a passphrase was set; wiped. */
  readonly passphrase?: Uint8Array;
  /** How the audit log is kept; {@linkcode AUDIT_DEFAULTS} if absent. */
  readonly audit?: AuditSettings;
}

/** Defaults of everything that has one. */
export const NODE_DEFAULTS = {
  directories: [],
  unlisted: false,
  pq: "prefer",
  rotation: { kind: "hourly" },
  strangers: "ask",
  allowPrivate: false,
  services: ["messaging"],
  sessionLifeMs: 6 * 3600 * 1000,
  maxConnections: 100,
  idleConnectionMs: 300_000,
  handshakesPerMinute: 120,
} as const satisfies Partial<NodeConfig>;

/** The suites a node accepts, best first. */
export function suitesOf(pq: PostQuantumPolicy): readonly Suite[] {
  if (pq === "require") return [SUITES[0]];
  return pq === "off" ? [SUITES[1]] : SUITES;
}

/** The methods this node lists in its record. */
export const OWN_METHODS: readonly string[] = CRYPTO_METHODS;
