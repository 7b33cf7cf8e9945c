/**
 * What crosses the wire between a node and a directory.
 *
 * @module
 */
import * as v from "valibot";
import { shownKeySchema } from "./directory_key.ts";
import { jwsSchema } from "./jws.ts";
import { MAX_ENVELOPE_BYTES, MAX_NAMED_RELAYS, MAX_RECORD_BYTES, MAX_URL_BYTES } from "./limits.ts";
import { recordTextSchema } from "./record.ts";
import { bytesSchema, integerSchema, nameSchema, namesSchema, nodeIdSchema } from "./schemas.ts";

export const REGISTER_PATH = "/api/v3/nodes/register";
export const REQUEST_CONNECTION_PATH = "/api/v3/tokens/request-connection";
export const DISCOVER_PATH = "/api/v3/nodes/discover";
export const NODES_PATH = "/api/v3/nodes";
/** Relays that a directory names to nodes which nobody can call. */
export const RELAYS_PATH = "/api/v3/relays";
export const HEALTH_PATH = "/api/v3/health";
export const IDENTITY_PATH = "/identity";
export const RECEIVE_PATH = "/tokens/receive";
export const PROOF_HEADER = "OpenRed-Proof";

/** A succession on the wire. */
export const successionTextSchema = jwsSchema(MAX_RECORD_BYTES);
export const envelopeTextSchema = jwsSchema(MAX_ENVELOPE_BYTES);

export const leaseStatusSchema = v.picklist(["active", "stale", "dormant", "gone"]);
export type LeaseStatus = v.InferOutput<typeof leaseStatusSchema>;

const must = v.optional(namesSchema);

export const registerRequestSchema = v.looseObject({
  record: v.string(),
  succession: v.optional(successionTextSchema),
  key: v.optional(shownKeySchema),
  must,
});

export const registerAnswerSchema = v.looseObject({
  node_id: nodeIdSchema,
  status: leaseStatusSchema,
  lease_ms: integerSchema,
  reannounce_after_ms: integerSchema,
  look_after_ms: v.optional(integerSchema),
  retry_within_ms: v.optional(integerSchema),
  directory_id: nodeIdSchema,
  directory_noise_key: bytesSchema(32),
  directory: recordTextSchema,
  succession: v.optional(successionTextSchema),
  must,
});
export type RegisterAnswer = v.InferOutput<typeof registerAnswerSchema>;

export const connectionRequestSchema = v.looseObject({
  target: v.string(),
  record: v.optional(v.string()),
  must,
});

export const connectionAnswerSchema = v.looseObject({
  pair_id: bytesSchema(16),
  method: nameSchema,
  epoch: integerSchema,
  issued_at: integerSchema,
  expires_at: integerSchema,
  delivered: v.boolean(),
  envelope: envelopeTextSchema,
  directory: recordTextSchema,
  must,
});
export type ConnectionAnswer = v.InferOutput<typeof connectionAnswerSchema>;

export const nodeAnswerSchema = v.looseObject({
  record: recordTextSchema,
  node_id: nodeIdSchema,
  api_url: v.pipe(v.string(), v.maxLength(MAX_URL_BYTES)),
  last_seen: integerSchema,
  status: leaseStatusSchema,
  must,
});
export type NodeAnswer = v.InferOutput<typeof nodeAnswerSchema>;

export const discoverAnswerSchema = v.looseObject({
  nodes: v.pipe(v.array(nodeAnswerSchema), v.maxLength(100)),
  next_cursor: v.nullable(v.pipe(v.string(), v.maxLength(512))),
  must,
});
export type DiscoverAnswer = v.InferOutput<typeof discoverAnswerSchema>;

export const namedRelaySchema = v.looseObject({
  url: v.pipe(v.string(), v.maxLength(MAX_URL_BYTES)),
  /** Whose the relay must be; absent where the directory does not know. */
  id: v.optional(nodeIdSchema),
  must,
});

export const relaysAnswerSchema = v.looseObject({
  relays: v.pipe(v.array(namedRelaySchema), v.maxLength(MAX_NAMED_RELAYS)),
  must,
});
export type RelaysAnswer = v.InferOutput<typeof relaysAnswerSchema>;

/** `GET {api_url}/identity`. */
export const identityAnswerSchema = v.looseObject({
  record: recordTextSchema,
  identity: jwsSchema(MAX_RECORD_BYTES),
  must,
});

/** `POST {api_url}/tokens/receive`. */
export const receiveRequestSchema = v.looseObject({
  envelope: envelopeTextSchema,
  directory: recordTextSchema,
  must,
});

/** Any answer that is problem+json. */
export const problemSchema = v.looseObject({
  code: v.pipe(v.string(), v.maxLength(64)),
  record: v.optional(v.string()),
  succession: v.optional(v.string()),
  now_at: v.optional(integerSchema),
  reason: v.optional(v.pipe(v.string(), v.maxLength(64))),
});
