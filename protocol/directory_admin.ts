/**
 * The local admin API of a directory: loopback only, `Authorization: Bearer <token of admin.json>`, as a node's. Read by
 * the directory's own command line.
 *
 * @module
 */
import * as v from "valibot";
import { MAX_EXPIRES_MS, MIN_EXPIRES_MS } from "./messaging_api.ts";
import { nodeIdSchema } from "./schemas.ts";
import { secretIdSchema } from "./shown_secret.ts";

export const ADMIN_NODES_PATH = "/admin/v1/nodes";

export const NODE_KINDS = ["known", "gone", "banned"] as const;
export type NodeKind = typeof NODE_KINDS[number];

export const MAX_NODES_A_PAGE = 500;
export const MAX_BAN_NOTE = 200;

/** `GET /admin/v1/nodes`; the answer is a {@linkcode NodesPage}. */
export const adminNodesQuerySchema = v.strictObject({
  kind: v.optional(v.picklist(NODE_KINDS), "known"),
  /** `next` of the page before. */
  after: v.optional(v.pipe(v.string(), v.maxLength(128))),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}$/),
      v.transform(Number),
      v.minValue(1),
      v.maxValue(MAX_NODES_A_PAGE),
    ),
    "100",
  ),
});

/** `POST /admin/v1/nodes/{show,remove,unban}`; the answer is a {@linkcode NodeDetail}. */
export const adminNodeInputSchema = v.strictObject({ id: nodeIdSchema });

/** `POST /admin/v1/nodes/ban`; the answer is a {@linkcode NodeDetail}. */
export const banInputSchema = v.strictObject({
  id: nodeIdSchema,
  /** Why, for the operator alone. */
  note: v.optional(v.pipe(v.string(), v.maxLength(MAX_BAN_NOTE)), ""),
});

/** A node as its directory holds it. Instants are in milliseconds since the epoch. */
export interface StoredNodeView {
  readonly node_id: string;
  /** A claim. */
  readonly alias: string | null;
  /** Empty for one that is gone. */
  readonly api_url: string;
  readonly services: readonly string[];
  readonly status: string;
  readonly unlisted: boolean;
  readonly last_seen: number;
  readonly lease_end: number;
  readonly called_back: number;
}

export interface BanView {
  readonly node_id: string;
  readonly banned_at: number;
  /** Empty for none. */
  readonly note: string;
}

export interface NodesPage {
  /** Empty where bans were asked for. */
  readonly nodes: readonly StoredNodeView[];
  /** Empty where nodes were asked for. */
  readonly bans: readonly BanView[];
  /** `null` at the end. */
  readonly next: string | null;
}

/** All that is known of an id. */
export interface NodeDetail {
  readonly node_id: string;
  readonly node: StoredNodeView | null;
  /** The id that took its place. */
  readonly followed_by: string | null;
  readonly ban: BanView | null;
}

export const ADMIN_KEYS_PATH = "/admin/v1/keys";

export const MAX_KEY_USES = 10_000;
export const MAX_KEYS_A_PAGE = 500;

/** `GET /admin/v1/keys`; the answer is a {@linkcode KeysPage}. */
export const adminKeysQuerySchema = v.strictObject({ after: v.optional(secretIdSchema) });

/** `POST /admin/v1/keys/add`; the answer is a {@linkcode KeyMade}. */
export const keyInputSchema = v.strictObject({
  uses: v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_KEY_USES)),
  /** `null`: it does not expire. */
  expires_ms: v.nullable(
    v.pipe(v.number(), v.safeInteger(), v.minValue(MIN_EXPIRES_MS), v.maxValue(MAX_EXPIRES_MS)),
  ),
  /** For whom, for the operator alone. */
  note: v.optional(v.pipe(v.string(), v.maxLength(MAX_BAN_NOTE)), ""),
});

/** `POST /admin/v1/keys/revoke`; the answer is a {@linkcode KeyView}. */
export const keyRevokeSchema = v.strictObject({ key_id: secretIdSchema });

/** A key without its secret. Instants are in milliseconds since the epoch. */
export interface KeyView {
  readonly key_id: string;
  readonly state: "valid" | "used" | "expired" | "revoked";
  readonly uses: number;
  readonly used: number;
  readonly made_at: number;
  readonly expires_at: number | null;
  readonly note: string;
}

/** The one answer that has the key itself. */
export interface KeyMade extends KeyView {
  readonly key: string;
}

export interface KeysPage {
  readonly keys: readonly KeyView[];
  /** `null` at the end. */
  readonly next: string | null;
  /** Whether the directory takes new nodes with a key only. */
  readonly invite_only: boolean;
}
