/**
 * The local admin API of a node: loopback only, `Authorization: Bearer <token of admin.json>`.
 * Inputs are strict; answers are read by the node's own command line.
 *
 * @module
 */
import * as v from "valibot";
import { maxBytesSchema } from "./schemas.ts";
import { groupNameSchema, peerRefSchema, permissionSchema } from "./peer_name.ts";

/** The 0600 file in the data directory that tells a command where the running node is. */
export const ADMIN_FILE = "admin.json";

const servedAtSchema = v.object({
  url: v.pipe(v.string(), v.maxLength(256)),
  allow_private: v.boolean(),
});
/** Where a directory that runs is called, and whether it takes private addresses. */
export type ServedAt = v.InferOutput<typeof servedAtSchema>;

export const adminFileSchema = v.object({
  url: v.pipe(v.string(), v.maxLength(256)),
  token: v.pipe(v.string(), v.maxLength(128)),
  pid: v.number(),
  serves: v.optional(servedAtSchema),
});

/** How long a request waits for what it asked for, in milliseconds. */
export const waitMsSchema = v.optional(
  v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(300_000)),
  0,
);

/** `POST /admin/v1/connect`. Waits up to `wait_ms` for a confirmed session; `name`: what the peer is called from now on. */
export const connectInputSchema = v.strictObject({
  peer: peerRefSchema,
  wait_ms: waitMsSchema,
  name: v.optional(v.pipe(v.string(), v.maxLength(256))),
});

/** `POST /admin/v1/backup`: a passphrase, base64url. The answer is the bytes of a backup file. */
export const backupInputSchema = v.strictObject({
  passphrase: v.pipe(maxBytesSchema(1_024), v.minLength(1, "Expected 1 to 1024 bytes")),
});

/** `POST /admin/v1/peers/{show,block,unblock,forget}` and `requests/decline`; the answer is a {@linkcode PeerDetail}. */
export const peerInputSchema = v.strictObject({ peer: peerRefSchema });

/** A decision about a permission that no module of the node asks for is refused without `force`. */
const force = v.optional(v.boolean(), false);

/** `POST /admin/v1/peers/{allow,deny}`. */
export const decisionInputSchema = v.strictObject({
  peer: peerRefSchema,
  permission: permissionSchema,
  force,
});

/** `POST /admin/v1/peers/reset`; `null` takes every decision about the peer itself back. */
export const resetInputSchema = v.strictObject({
  peer: peerRefSchema,
  permission: v.nullable(permissionSchema),
});

/** `POST /admin/v1/peers/name`, formerly `peers/alias`; `null` takes the name back. */
export const aliasInputSchema = v.strictObject({
  peer: peerRefSchema,
  name: v.nullable(v.pipe(v.string(), v.maxLength(256))),
});

/** `POST /admin/v1/requests/accept`; the answer is a {@linkcode PeerDetail}. */
export const acceptInputSchema = v.strictObject({
  /** As a peer is named, or the name that a stranger claims. */
  peer: peerRefSchema,
  name: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(256))), null),
});

/** `POST /admin/v1/groups/delete`; the answer is a {@linkcode GroupView}. */
export const groupInputSchema = v.strictObject({ group: groupNameSchema });

/** `POST /admin/v1/groups/{add,remove}`. */
export const groupMemberInputSchema = v.strictObject({
  group: groupNameSchema,
  peer: peerRefSchema,
});

/** `POST /admin/v1/groups/allow`. */
export const groupDecisionInputSchema = v.strictObject({
  group: groupNameSchema,
  permission: permissionSchema,
  force,
});

/** `POST /admin/v1/groups/reset`. */
export const groupPermissionInputSchema = v.strictObject({
  group: groupNameSchema,
  permission: permissionSchema,
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

/** Why there is no session with a peer, or none to renew it with. */
export interface PeerTrouble {
  /** The stable code of the last failure, or `revoked`. */
  readonly code: string;
  /** Why it was `unreachable`, a stable word; `null` for any other failure, and where that is not known. */
  readonly reason: string | null;
  readonly text: string;
  /** Milliseconds since the epoch, by this node's clock: when it began. */
  readonly since: number;
  /** `null` while it is being called, and where nothing is tried until somebody here asks for it. */
  readonly next_try_in_ms: number | null;
}

/** Whether a peer may send messages. `stranger`: nobody decided, and it may at most leave contact requests. */
export type Standing = "allowed" | "stranger" | "denied" | "blocked";

/** By which URL this node calls a peer now. */
export interface PeerWay {
  /** `direct`: one of the addresses that its record names; `relay`, `url`: its `api_url`, through a relay or not. */
  readonly kind: "direct" | "relay" | "url";
  readonly url: string;
  readonly why: string;
}

export interface PeerView {
  readonly node_id: string;
  /** What this node's owner calls it. */
  readonly petname: string | null;
  /** What it calls itself: a claim. */
  readonly alias: string | null;
  readonly api_url: string;
  /** `null` where it cannot be called. */
  readonly way: PeerWay | null;
  /** Whether a session was once confirmed with it. */
  readonly known: boolean;
  readonly standing: Standing;
  /** Whether an invitation of this peer, given to the owner, waits for its answer. */
  readonly invited: boolean;
  readonly standby_pairs: number;
  readonly outbox: number;
  readonly last_error: PeerTrouble | null;
}

/** All about one peer. */
export interface PeerDetail {
  readonly node_id: string;
  /** What this node's owner calls it. */
  readonly petname: string | null;
  /** What it calls itself: a claim. */
  readonly alias: string | null;
  /** `null` for an id that this node never met. */
  readonly api_url: string | null;
  /** `null` for one that cannot be called. */
  readonly way: PeerWay | null;
  readonly known: boolean;
  /** Whether an invitation of this peer, given to the owner, waits for its answer. */
  readonly invited: boolean;
  /** Milliseconds since the epoch, or `null` while it is not blocked. */
  readonly blocked_since: number | null;
  /** What it may do: `allowed`, and what its groups may, without `denied`; nothing while it is blocked. */
  readonly permissions: readonly string[];
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
  readonly groups: readonly string[];
  /** The directory of the contact link it was met by, asked about this peer only. */
  readonly contact_directory: string | null;
  /** Confirmed sessions. */
  readonly sessions: number;
  readonly standby_pairs: number;
  readonly outbox: number;
  readonly last_error: PeerTrouble | null;
}

/** `GET /admin/v1/peers`. */
export interface PeersView {
  readonly peers: readonly PeerDetail[];
  /** The permissions that modules of this node ask for. */
  readonly permission_names: readonly string[];
}

/** `GET /admin/v1/requests`: strangers that have met this node. */
export interface RequestsView {
  readonly requests: readonly {
    readonly peer: string;
    /** What it calls itself: a claim. */
    readonly alias: string | null;
    readonly connected: boolean;
  }[];
}

/** One group. It exists while it has a member or a permission. */
export interface GroupView {
  readonly group: string;
  readonly permissions: readonly string[];
  /** Node ids. */
  readonly members: readonly string[];
  /** What this node's owner calls them. */
  readonly petnames: Readonly<Record<string, string>>;
}

/** `GET /admin/v1/groups`. */
export interface GroupsView {
  readonly groups: readonly GroupView[];
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
  /** Why it was `unreachable`, a stable word; `null` for any other failure, and where that is not known. */
  readonly last_reason: string | null;
  readonly next_announce_in_ms: number | null;
}

/** The relay through which others reach this node. */
export interface RelayView {
  readonly url: string;
  /** The directory that named it; `null` where the owner did, or nobody yet. */
  readonly named_by: string | null;
  /** `null` before its first answer. */
  readonly relay_id: string | null;
  /** `replaced`: another running node has this one's keys; nothing is tried any more. */
  readonly state: "linked" | "trying" | "replaced";
  /** Why there is no link, a stable word, or `null`. */
  readonly last_error: string | null;
  /** Whether browsers can open links to files through it, as far as it has said. */
  readonly passes_links: boolean;
}

export interface StatusView {
  readonly node_id: string;
  readonly version: string;
  readonly api_url: string;
  readonly uptime_s: number;
  readonly directories: readonly DirectoryView[];
  /** `null` where others call this node itself. */
  readonly relay: RelayView | null;
  readonly peers: readonly PeerView[];
  /** Whom the open invitations of this node wait for: the names that they give, `null` for one without. */
  readonly awaited: readonly (string | null)[];
  readonly sessions: readonly SessionView[];
  readonly token_cache: readonly ValidationView[];
  /** Counters by name, such as `frames_dropped`. */
  readonly counters: Readonly<Record<string, number>>;
  /** What the operator should know, in plain words; empty when all is well. */
  readonly warnings: readonly string[];
  /** The same, each with the topic that names its kind: a word, and what it is about after a blank where it is about something. */
  readonly warned: readonly WarningView[];
}

export interface WarningView {
  readonly topic: string;
  readonly text: string;
}

/** `GET /admin/v1/id`. */
export interface IdView {
  readonly node_id: string;
  readonly api_url: string;
  /** `openred:<node id>/d/…/u/…` */
  readonly contact: string;
  readonly record: string;
}

/** `GET /admin/v1/places`: folders of the machine that a page can begin with. */
export interface PlacesView {
  /** The owner's own folder; `null` where the system does not say. */
  readonly home: string | null;
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
    /** What this node's owner calls it. */
    readonly petname?: string | null;
    /** Whether it is blocked here. */
    readonly blocked?: boolean;
  }[];
  /** Directories that did not answer, with the code of the failure. */
  readonly failed: readonly { readonly url: string; readonly code: string }[];
}

/** `GET /admin/v1/events`: server-sent events, `event` = `type`, `data` = this as JSON. */
export type NodeEvent =
  /** What a module tells: `<module>.<type>`. */
  | { readonly type: `${string}.${string}`; readonly [member: string]: unknown }
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
  /** A stranger has met this node; `alias` is a claim. */
  | { readonly type: "contact_request"; readonly peer: string; readonly alias: string | null }
  /** Somebody showed an invitation of this node's owner and was let in. */
  | {
    readonly type: "invitation_used";
    readonly invitation: string;
    readonly peer: string;
    readonly name: string | null;
  }
  /** Somebody showed one that lets nobody in any more: it may have been passed on. */
  | {
    readonly type: "invitation_tried";
    readonly invitation: string;
    readonly peer: string;
    readonly code: string;
  }
  /** The peer whose invitation was shown let this node in, or did not. */
  | { readonly type: "invitation_accepted"; readonly peer: string }
  | { readonly type: "invitation_refused"; readonly peer: string; readonly code: string }
  | { readonly type: "warning"; readonly text: string };

/** The events that whoever may only look is told; all others are the owner's. */
export const VIEWER_EVENTS: ReadonlySet<string> = new Set([
  "registered",
  "register_failed",
  "introduced",
  "session",
  "session_ended",
  "warning",
]);
