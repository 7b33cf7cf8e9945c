/**
 * Records: what a node says of itself, signed (docs/PROTOCOL.md, "Record").
 *
 * @module
 */
import * as v from "valibot";
import type { NodeId } from "../crypto/encoding.ts";
import type { CryptoCore } from "../crypto/interface.ts";
import { OpenRedError } from "./errors.ts";

import {
  CLOCK_ALLOWANCE_MS,
  MAX_ALIAS_LENGTH,
  MAX_DIRECT_URL_BYTES,
  MAX_DIRECT_URLS,
  MAX_RECORD_BYTES,
  MAX_RECORD_LIFE_S,
  MAX_URL_BYTES,
} from "./limits.ts";
import { jwsSchema, unverifiedPayload, verifySignature } from "./jws.ts";
import {
  bytesSchema,
  flagSchema,
  integerSchema,
  namesSchema,
  nodeIdSchema,
  parseGrowing,
} from "./schemas.ts";

const recordPayloadSchema = v.looseObject({
  v: v.literal(3),
  iss: nodeIdSchema,
  seq: integerSchema,
  iat: integerSchema,
  exp: integerSchema,
  api_url: v.pipe(v.string(), v.maxLength(MAX_URL_BYTES)),
  direct_urls: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.maxLength(MAX_DIRECT_URL_BYTES))),
      v.maxLength(MAX_DIRECT_URLS),
    ),
  ),
  noise_key: bytesSchema(32),
  suites: namesSchema,
  methods: namesSchema,
  services: namesSchema,
  alias: v.optional(
    v.pipe(v.string(), v.maxLength(MAX_ALIAS_LENGTH), v.regex(/^\P{Cc}*$/u)),
  ),
  unlisted: flagSchema,
  next: v.optional(bytesSchema(32)),
  gone: flagSchema,
  must: v.optional(namesSchema),
});

/** The text of a record on the wire: a compact JWS of at most 2 KiB. */
export const recordTextSchema = jwsSchema(MAX_RECORD_BYTES);

/** The members of a record, decoded. */
export type RecordPayload = v.InferOutput<typeof recordPayloadSchema>;

/** A record whose form, signature and own consistency hold. Its age is checked at every use. */
export interface VerifiedRecord {
  readonly text: string;
  readonly id: NodeId;
  readonly payload: RecordPayload;
  readonly __verifiedRecord: true;
}

/**
 * Checks the form of a record, and what its members say of each other. Proves nothing.
 * @throws {OpenRedError} `bad_request`, `unsupported` or `too_large`.
 */
export function decodeRecord(text: string): RecordPayload {
  if (text.length > MAX_RECORD_BYTES) {
    throw new OpenRedError(
      "too_large",
      `Expected a record of at most ${MAX_RECORD_BYTES} bytes, received ${text.length}`,
    );
  }
  const payload = parseGrowing(recordPayloadSchema, unverifiedPayload(text));
  if (payload.iat !== Math.floor(payload.seq / 1000)) {
    throw new OpenRedError("bad_request", "Member iat of the record is not its seq in seconds");
  }
  if (payload.exp <= payload.iat || payload.exp - payload.iat > MAX_RECORD_LIFE_S) {
    throw new OpenRedError("bad_request", "Member exp of the record is not within 24 h after iat");
  }
  if (payload.gone !== (payload.api_url === "")) {
    throw new OpenRedError("bad_request", "Member api_url of a record is empty exactly when gone");
  }
  return payload;
}

/** Whether a text is an origin: what a direct address has to be. */
export function isOrigin(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, protocol } = new URL(url);
  return (protocol === "https:" || protocol === "http:") && origin === url;
}

/** The direct addresses of a record; what is none is left out. Whether they may be called is the URL policy's. */
export function directUrlsOf(
  { direct_urls = [] }: Pick<RecordPayload, "direct_urls">,
): readonly string[] {
  return [...new Set(direct_urls.filter(isOrigin))];
}

/**
 * Checks the form and signature of a record.
 * @throws {OpenRedError} `bad_request`, `unsupported`, `too_large` or `bad_signature`.
 */
export async function verifyRecord(
  crypto: Pick<CryptoCore, "verifyJws">,
  text: string,
): Promise<VerifiedRecord> {
  const payload = decodeRecord(text);
  await verifySignature(crypto, { text, typ: "openred-record+jwt" });
  return { text, id: payload.iss, payload } as VerifiedRecord;
}

/** The highest `seq` of a record that is not ahead of this clock, with the allowance: its `iat` counts, in seconds. */
export function highestSeqAt(nowMs: number): number {
  return (Math.floor((nowMs + CLOCK_ALLOWANCE_MS) / 1000) + 1) * 1000 - 1;
}

/** In minutes, of hours in hours, so that a difference that stays is said in the same words. */
function showSpan(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/**
 * Refuses a record that was signed ahead of this clock.
 * @throws {OpenRedError} `clock_ahead`.
 */
export function checkNotAhead(record: VerifiedRecord, nowMs: number): void {
  if (record.payload.seq > highestSeqAt(nowMs)) {
    const by = showSpan(record.payload.seq - nowMs);
    throw new OpenRedError("clock_ahead", `The record was signed ${by} ahead of this clock`);
  }
}

/** Tells whether a record has not expired, with the allowance. */
export function isFresh(record: VerifiedRecord, nowMs: number): boolean {
  return nowMs <= record.payload.exp * 1000 + CLOCK_ALLOWANCE_MS;
}

/**
 * Asks of a stranger's record that its times hold now. A `gone` record never goes stale.
 * @throws {OpenRedError} `clock_ahead` or `record_stale`.
 */
export function checkTimes(record: VerifiedRecord, nowMs: number): void {
  checkNotAhead(record, nowMs);
  if (!record.payload.gone && !isFresh(record, nowMs)) {
    const since = showSpan(nowMs - record.payload.exp * 1000);
    throw new OpenRedError("record_stale", `By this clock the record ended ${since} ago`);
  }
}

/**
 * Orders two records of one id: negative if `a` is the older. At equal `seq` the bytewise greater
 * text is the newer. A JWS is ASCII, so comparing its text compares its bytes.
 */
export function compareRecords(
  a: { readonly text: string; readonly payload: { readonly seq: number } },
  b: { readonly text: string; readonly payload: { readonly seq: number } },
): number {
  if (a.payload.seq !== b.payload.seq) return a.payload.seq - b.payload.seq;
  if (a.text === b.text) return 0;
  return a.text < b.text ? -1 : 1;
}
