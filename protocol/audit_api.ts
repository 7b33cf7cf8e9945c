/**
 * The audit log in the local admin API of a node.
 *
 * @module
 */
import * as v from "valibot";
import { peerRefSchema } from "./peer_name.ts";
import { nodeIdSchema, wholeNumber } from "./schemas.ts";

export const MAX_AUDIT_LIMIT = 10_000;

const MAX_INSTANT_MS = 8.64e15;

const instant = v.optional(wholeNumber(0, MAX_INSTANT_MS));

/** Which entries are asked for; without any of these all are. */
const filters = {
  event: v.optional(v.pipe(v.string(), v.maxLength(64))),
  peer: v.optional(peerRefSchema),
  /** Milliseconds since the epoch, both included. */
  since: instant,
  until: instant,
  /** `1`: only what did not succeed. */
  failed: v.optional(v.picklist(["0", "1"]), "0"),
};

export type AuditFilters = v.InferOutput<v.StrictObjectSchema<typeof filters, undefined>>;

/** `GET /admin/v1/audit?…`: the last entries that match, or with `after` the first ones with a higher number. */
export const auditQuerySchema = v.strictObject({
  ...filters,
  limit: v.optional(wholeNumber(1, MAX_AUDIT_LIMIT), "100"),
  after: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
});

/** `GET /admin/v1/audit/export?…`: all entries that match; `raw=1`: the signed lines. */
export const auditExportQuerySchema = v.strictObject({
  ...filters,
  raw: v.optional(v.picklist(["0", "1"]), "0"),
});

/** A place in the log that was kept elsewhere: `NUMBER:HASH`, as `audit head` prints it. */
export const keptHeadSchema = v.pipe(
  v.string(),
  v.regex(/^\d{1,16}:[A-Za-z0-9_-]{43}$/, "expected NUMBER:HASH, as 'audit head' prints it"),
  v.transform((text): AuditHeadView => {
    const [number = "", hash = ""] = text.split(":");
    return { number: Number(number), hash };
  }),
);

/** `GET /admin/v1/audit/verify?head=NUMBER:HASH&former=ID`: this node's log, or the one of a former identity. */
export const auditVerifyQuerySchema = v.strictObject({
  head: v.optional(keptHeadSchema),
  former: v.optional(nodeIdSchema),
});

/** One entry. Other plain members say more. */
export interface AuditEntryView {
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly event: string;
  /** Keyed hash of the peer's id, or `null`. */
  readonly node_id: string | null;
  readonly success: boolean;
  readonly [field: string]: string | number | boolean | null;
}

export interface AuditView {
  /** Oldest first. */
  readonly entries: readonly AuditEntryView[];
  /** Pass as `after` for what comes next. */
  readonly cursor: number;
  /** Lines that were looked at and do not open; `verify` says more. */
  readonly unreadable: number;
}

/** `GET /admin/v1/audit/head`. */
export interface AuditHeadView {
  readonly number: number;
  /** SHA-256 of that line, base64url. */
  readonly hash: string;
}

/**
 * What is wrong with a log. `changed`: the line there is not the one that was written. `removed`: it is missing.
 * `reordered`: it stands elsewhere. `cut`: it and all after it are missing. `head`, `begin`: the file that says where the
 * log ends or begins is not what this node wrote.
 */
export interface AuditProblem {
  readonly kind: "changed" | "removed" | "reordered" | "cut" | "head" | "begin";
  /** Number of the first line concerned; `null` for `head` and `begin`. */
  readonly line: number | null;
  readonly file: string | null;
  readonly text: string;
}

/** What verifying a log came to. */
export interface AuditReport {
  /** Number of the first line: above 1 once old files were pruned. */
  readonly begins: number;
  /** Lines that hold, from the first on. */
  readonly lines: number;
  readonly head: AuditHeadView;
  /** Lines that hold but were sealed under other keys. */
  readonly unreadable: number;
  /** Whether the log contains the given head; `pruned` if it began later. */
  readonly kept_head: "matches" | "differs" | "pruned" | null;
  readonly problem: AuditProblem | null;
}

/** `GET /admin/v1/audit/verify` answers with JSON lines: progress, and the report as the last one. */
export type AuditVerifyLine =
  | { readonly checked: number; readonly total: number }
  | { readonly report: AuditReport };
