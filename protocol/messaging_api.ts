/**
 * The owner's routes of the messaging module, `/m/messaging/…` of the admin server.
 *
 * @module
 */
import * as v from "valibot";
import { type Standing, waitMsSchema } from "./admin_api.ts";
import { frameIdSchema } from "./frames.ts";
import { peerRefSchema } from "./peer_name.ts";
import { wholeNumber } from "./schemas.ts";

export const MAX_TEXT_BYTES = 256 * 1024;

export const MIN_EXPIRES_MS = 1_000;
export const MAX_EXPIRES_MS = 366 * 24 * 3_600_000;

/** For how long a text is to be there. */
export const expiresMsSchema = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(MIN_EXPIRES_MS),
  v.maxValue(MAX_EXPIRES_MS),
);

const textSchema = v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_TEXT_BYTES));

/** `POST /m/messaging/messages`. Stored first; waits up to `wait_ms` for the peer's acknowledgement. */
export const sendInputSchema = v.strictObject({
  peer: peerRefSchema,
  text: textSchema,
  wait_ms: waitMsSchema,
  /** The id of the message that it answers. */
  reply_to: v.optional(frameIdSchema),
  /** The id of an own message whose text it is from now on. */
  edits: v.optional(frameIdSchema),
  expires_ms: v.optional(expiresMsSchema),
});

const messageSchema = { peer: peerRefSchema, id: frameIdSchema };

/** `POST /m/messaging/remove`: takes back an own message, here and at the peer. */
export const removeInputSchema = v.strictObject({ ...messageSchema });

/** `POST /m/messaging/react`: an empty reaction takes the former one back. */
export const reactInputSchema = v.strictObject({
  ...messageSchema,
  reaction: v.pipe(v.string(), v.maxBytes(64)),
});

/** `POST /m/messaging/read`: everything up to a message, or all of it, was read. */
export const readInputSchema = v.strictObject({
  peer: peerRefSchema,
  upto: v.optional(frameIdSchema),
});

/** `POST /m/messaging/receipts`: whether a peer is told what was read; `null`: as the module's option says. */
export const receiptsInputSchema = v.strictObject({
  peer: peerRefSchema,
  tell: v.nullable(v.boolean()),
});

export const peerInputSchema = v.strictObject({ peer: peerRefSchema });

/** `PUT /m/messaging/draft`: what is being written to a peer; an empty text removes it. */
export const draftInputSchema = v.strictObject({
  peer: peerRefSchema,
  text: v.pipe(v.string(), v.maxBytes(MAX_TEXT_BYTES)),
});

/** `POST /m/messaging/outbox/cancel`. */
export const cancelInputSchema = v.strictObject({ id: frameIdSchema });

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

/** `GET /m/messaging/history?peer=&before=&limit=`: the newest messages of a conversation, or those above a place. */
export const historyQuerySchema = v.strictObject({
  peer: peerRefSchema,
  before: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
  limit: v.optional(wholeNumber(1, MAX_INBOX_LIMIT), "50"),
});

const MAX_QUERY_LENGTH = 1_000;
const MAX_FOUND = 500;

/** `GET /m/messaging/search?text=&peer=&limit=`: texts that have all of the words, each from its beginning on. */
export const searchQuerySchema = v.strictObject({
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_QUERY_LENGTH)),
  peer: v.optional(peerRefSchema),
  limit: v.optional(wholeNumber(1, MAX_FOUND), "50"),
});

export interface SearchView {
  /** The newest first. */
  readonly messages: readonly HistoryMessage[];
  /** What this node's owner calls those who wrote them, and were written to. */
  readonly petnames: Readonly<Record<string, string>>;
  /** Whether there are older ones. */
  readonly more: boolean;
}

export const peerQuerySchema = v.strictObject({ peer: peerRefSchema });

/** `POST /m/messaging/messages`. */
export interface SentView {
  readonly id: string;
  readonly peer: string;
  readonly state: "queued" | "delivered";
  readonly rtt_ms: number | null;
  /** How the group is called that it was written to. */
  readonly group?: string;
}

/** What became of a message at one recipient. */
export type DeliveryState = "waiting" | "sent" | "delivered" | "read" | "given_up";

/** A message of a conversation. */
export interface HistoryMessage {
  readonly id: string;
  /** Whom the conversation is with. */
  readonly conversation: string;
  /** The sender's run and its number there; `null` of a message that has none. */
  readonly run: string | null;
  readonly n: number | null;
  /** Whoever wrote it. */
  readonly from: string;
  readonly text: string;
  /** By the sender's clock, unless that is far ahead. */
  readonly sent_at: number;
  /** By the id of each recipient. */
  readonly state: Readonly<Record<string, DeliveryState>>;
  readonly edited?: true;
  /** The id of the message that it answers; `null` where that is not here. */
  readonly reply_to?: string | null;
  /** What each reacted with. */
  readonly reactions?: Readonly<Record<string, string>>;
  readonly removed?: true;
  readonly expired?: true;
  readonly expires_at?: number;
  /** The stored message was changed on disk: its text is lost. */
  readonly damaged?: true;
  /** So many messages of its sender are missing right before it. */
  readonly missing_before?: number;
  /** How the group is called whose message it is. */
  readonly group?: string;
  /** Its author has signed another message under the same number: others may have seen that one. */
  readonly two_stories?: true;
}

/** What a history of a group has besides. */
export interface GroupHistoryView {
  readonly name: string;
  /** The id of this node. */
  readonly you: string;
  /** What this node's owner calls those who wrote. */
  readonly petnames: Readonly<Record<string, string>>;
}

export interface HistoryView {
  readonly conversation: string;
  /** What this node's owner calls the peer. */
  readonly petname: string | null;
  readonly group?: GroupHistoryView;
  readonly unread: number;
  readonly receipts: boolean;
  /** In the order of the conversation. */
  readonly messages: readonly HistoryMessage[];
  /** Pass as `before` for older ones; `null` where there are none. */
  readonly older: number | null;
}

/** What waits for a peer. */
export interface WaitingMessage {
  readonly id: string;
  readonly peer: string;
  readonly petname: string | null;
  /** How a group is called that it is for; its id stands as `peer`. */
  readonly group?: string;
  readonly kind: "text" | "edit" | "react" | "remove";
  readonly text: string;
  readonly damaged?: true;
  readonly sent_at: number;
  readonly state: "waiting" | "sent";
}

/** `GET /m/messaging/outbox`: the oldest first. */
export interface OutboxView {
  readonly messages: readonly WaitingMessage[];
  /** Whether there are newer ones. */
  readonly more: boolean;
}

/** `GET /m/messaging/draft?peer=`. */
export interface DraftView {
  readonly peer: string;
  readonly text: string;
  readonly damaged?: true;
}

/** `GET /m/messaging/conversations`: the newest first. */
export interface ConversationsView {
  readonly conversations: readonly ConversationView[];
}

export interface ConversationView {
  readonly peer: string;
  readonly petname: string | null;
  readonly unread: number;
  readonly waiting: number;
  readonly has_draft: boolean;
  /** How the group is called whose id stands as `peer`. */
  readonly group?: string;
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
  /** Grows with every message stored here. */
  readonly number: number;
  readonly id: string;
  readonly peer: string;
  /** The id of the group that it was written to, and how that is called. */
  readonly conversation?: string;
  readonly group?: string;
  readonly text: string;
  /** The stored message was changed on disk: its text is lost. */
  readonly damaged?: true;
  /** Its sender took the text back, or it was to be there for a while only. */
  readonly removed?: true;
  readonly expired?: true;
  readonly edited?: true;
  /** Milliseconds since the epoch, by this node's clock. */
  readonly received_at: number;
  /** What this node's owner calls the sender, or the id that followed it. */
  readonly petname: string | null;
  /** What the sender is now; a stranger's message is a contact request. */
  readonly standing: Standing;
}

/** `GET /m/messaging/requests`: strangers whose messages wait, and which a decision about them ends. */
export interface RequestsWaitingView {
  readonly requests: readonly {
    readonly peer: string;
    readonly messages: number;
    /** Milliseconds since the epoch. */
    readonly first_at: number;
    readonly last_at: number;
  }[];
}
