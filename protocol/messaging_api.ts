/**
 * The owner's routes of the messaging module, `/m/messaging/…` of the admin server.
 *
 * @module
 */
import * as v from "valibot";
import { type Standing, waitMsSchema } from "./admin_api.ts";
import { peerRefSchema } from "./peer_name.ts";
import { wholeNumber } from "./schemas.ts";

export const MAX_TEXT_BYTES = 64 * 1024;

/** `POST /m/messaging/messages`. Stored first; waits up to `wait_ms` for the peer's acknowledgement. */
export const sendInputSchema = v.strictObject({
  peer: peerRefSchema,
  text: v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_TEXT_BYTES)),
  wait_ms: waitMsSchema,
});

/** `POST /m/messaging/inbox/clear`: removes what a peer wrote, all of it or the messages below a number. */
export const clearInputSchema = v.strictObject({
  peer: peerRefSchema,
  before: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), Number.MAX_SAFE_INTEGER),
});

export interface ClearedView {
  readonly removed: number;
}

const MAX_INBOX_LIMIT = 1_000;

export const inboxQuerySchema = v.strictObject({
  after: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER), "0"),
  before: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  limit: v.optional(wholeNumber(1, MAX_INBOX_LIMIT), "100"),
});

/** `POST /m/messaging/messages`. */
export interface SentView {
  readonly id: string;
  readonly peer: string;
  readonly state: "queued" | "delivered";
  readonly rtt_ms: number | null;
}

/**
 * `GET /m/messaging/inbox?after=&limit=`: the oldest messages above a number, by default of all; with `before=` instead
 * the newest below one. Oldest first either way.
 */
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
  /** The stored message was changed on disk: its text is lost. */
  readonly damaged?: true;
  /** Milliseconds since the epoch, by this node's clock. */
  readonly received_at: number;
  /** What this node's owner calls the sender, or the id that followed it. */
  readonly petname: string | null;
  /** What the sender is now; a stranger's message is a contact request. */
  readonly standing: Standing;
}
