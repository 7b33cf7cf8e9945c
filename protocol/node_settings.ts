/**
 * What a node can be told at its start, and what it does where it is told nothing: the one place for both, read by the
 * command line and by the node.
 *
 * @module
 */
import { TrustedProxies } from "./trusted_proxies.ts";

/** Whether handshakes are post-quantum: always, if the peer can, or never. */
export const POST_QUANTUM_POLICIES = ["require", "prefer", "off"] as const;
export type PostQuantumPolicy = typeof POST_QUANTUM_POLICIES[number];

/** What becomes of a stranger's contact request: kept for a person to see, or nothing at all. */
export const STRANGER_POLICIES = ["ask", "deny"] as const;
export type StrangerPolicy = typeof STRANGER_POLICIES[number];

const HOUR_MS = 3_600_000;

/** How long an audit log is kept, and in which pieces. */
export interface AuditSettings {
  /** A file that has reached it is followed by another. */
  readonly maxBytes: number;
  /** So is a file whose first line is this old. */
  readonly maxAgeMs: number;
  /** Beyond it the oldest files are removed. */
  readonly keepBytes: number;
}

export const AUDIT_DEFAULTS: AuditSettings = {
  maxBytes: 16 * 2 ** 20,
  maxAgeMs: 30 * 24 * HOUR_MS,
  keepBytes: 256 * 2 ** 20,
};

/** Where the console listens, on every loopback address. Fixed: a page belongs to its port. */
export const CONSOLE_PORT = 7610;

/** The defaults of everything else that has one. */
export const NODE_DEFAULTS = {
  directories: [],
  unlisted: false,
  pq: "prefer",
  rotation: { kind: "hourly" },
  strangers: "ask",
  allowPrivate: false,
  sessionLifeMs: 6 * HOUR_MS,
  maxConnections: 100,
  idleConnectionMs: 300_000,
  handshakesPerMinute: 120,
  trustedProxies: TrustedProxies.NONE,
} as const;
