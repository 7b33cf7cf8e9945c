/**
 * The local admin API of a node: loopback only, `Authorization: Bearer <token of admin.json>`.
 * Inputs are strict; answers are read by the node's own command line.
 *
 * @module
 */
import * as v from "valibot";
import { nodeIdSchema } from "./schemas.ts";

/** The 0600 file in the data directory that tells a command where the running node is. */
export const ADMIN_FILE = "admin.json";

export const adminFileSchema = v.object({
  url: v.pipe(v.string(), v.maxLength(256)),
  token: v.pipe(v.string(), v.maxLength(128)),
  pid: v.number(),
});

export const MAX_TEXT_BYTES = 64 * 1024;

const waitMs = v.optional(
  v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(300_000)),
  0,
);

/** `POST /admin/v1/connect`. Waits up to `wait_ms` for a confirmed session. */
export const connectInputSchema = v.strictObject({ peer: nodeIdSchema, wait_ms: waitMs });

/** `POST /admin/v1/messages`. Stored first; waits up to `wait_ms` for the peer's acknowledgement. */
export const sendInputSchema = v.strictObject({
  peer: nodeIdSchema,
  text: v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_TEXT_BYTES)),
  wait_ms: waitMs,
});

/** One session as `GET /admin/v1/status` and `POST /admin/v1/connect` show it. */
export interface SessionView {
  readonly session_id: string;
  readonly peer: string;
  readonly role: "initiator" | "responder";
  readonly state: "unconfirmed" | "confirmed" | "closed";
  readonly suite: string;
  readonly post_quantum: boolean;
  readonly method: string;
  /** ⌊issued_at / 3,600,000⌋ of the pair it was made from. */
  readonly epoch: number;
  /** A directory's id, or `peer`. */
  readonly issuer: string;
  readonly send_step: number;
  readonly carrier: "channel" | "post";
  /** Milliseconds since it was made. */
  readonly age_ms: number;
  readonly life_ms: number;
  /** Round-trip time of the last acknowledged message, or `null`. */
  readonly rtt_ms: number | null;
}

export interface PeerView {
  readonly node_id: string;
  readonly alias: string | null;
  readonly api_url: string;
  /** Whether a session was once confirmed with it. */
  readonly known: boolean;
  /** Whether somebody here connected or wrote to it; else it only left a contact request. */
  readonly accepted: boolean;
  readonly standby_pairs: number;
  readonly outbox: number;
}

/** What validating the tokens of one pair came to. */
export interface ValidationView {
  readonly peer: string;
  /** Milliseconds since the epoch: when the pair ends. */
  readonly valid_until: number;
  readonly crypto_method: string;
  readonly validation_result: boolean;
}

export interface DirectoryView {
  readonly url: string;
  readonly directory_id: string | null;
  readonly state: "registered" | "trying" | "refused" | "stopped";
  /** Stable code of the last failure, or `null`. */
  readonly last_error: string | null;
  readonly next_announce_in_ms: number | null;
}

export interface StatusView {
  readonly node_id: string;
  readonly version: string;
  readonly api_url: string;
  readonly uptime_s: number;
  readonly directories: readonly DirectoryView[];
  readonly peers: readonly PeerView[];
  readonly sessions: readonly SessionView[];
  readonly token_cache: readonly ValidationView[];
  /** Counters by name, such as `frames_dropped`. */
  readonly counters: Readonly<Record<string, number>>;
  /** What the operator should know, in plain words; empty when all is well. */
  readonly warnings: readonly string[];
}

/** `GET /admin/v1/id`. */
export interface IdView {
  readonly node_id: string;
  readonly api_url: string;
  /** `openred:<node id>?u=…&d=…` */
  readonly contact: string;
  readonly record: string;
}

/** `POST /admin/v1/messages`. */
export interface SentView {
  readonly id: string;
  readonly peer: string;
  readonly state: "queued" | "delivered";
  readonly rtt_ms: number | null;
}

/** `GET /admin/v1/inbox?after=&limit=`. */
export interface InboxView {
  readonly messages: readonly MessageView[];
  /** Pass as `after` for what comes next. */
  readonly cursor: number;
}

export interface MessageView {
  /** Grows by one with every message stored here. */
  readonly number: number;
  readonly id: string;
  readonly peer: string;
  readonly text: string;
  /** Milliseconds since the epoch, by this node's clock. */
  readonly received_at: number;
  /** Whether the sender is a stranger: nobody here connected or wrote to it yet. */
  readonly request: boolean;
}

/** `GET /admin/v1/discover?service=&alias=&limit=`. */
export interface DiscoverView {
  readonly nodes: readonly {
    readonly node_id: string;
    readonly alias: string | null;
    readonly api_url: string;
    readonly status: string;
    readonly last_seen: number;
    readonly directory: string;
  }[];
  /** Directories that did not answer, with the code of the failure. */
  readonly failed: readonly { readonly url: string; readonly code: string }[];
}

/** `GET /admin/v1/events`: server-sent events, `event` = `type`, `data` = this as JSON. */
export type NodeEvent =
  | { readonly type: "registered"; readonly directory: string; readonly directory_id: string }
  | { readonly type: "register_failed"; readonly directory: string; readonly code: string }
  | {
    readonly type: "introduced";
    readonly peer: string;
    readonly method: string;
    readonly epoch: number;
  }
  | { readonly type: "session"; readonly session: SessionView }
  | {
    readonly type: "session_ended";
    readonly session_id: string;
    readonly peer: string;
    readonly why: string;
  }
  | { readonly type: "message"; readonly message: MessageView }
  | {
    readonly type: "delivered";
    readonly id: string;
    readonly peer: string;
    readonly rtt_ms: number;
  }
  | { readonly type: "warning"; readonly text: string };
