/**
 * Headers of frames (docs/PROTOCOL.md, "Frames").
 *
 * @module
 */
import * as v from "valibot";
import { MAX_ACK_IDS, MAX_KEEP_IDS, MAX_SYNC_PAIRS } from "./limits.ts";
import { recordTextSchema } from "./record.ts";
import { bytesSchema, namesSchema } from "./schemas.ts";

const TYPE_NAME = /^[a-z0-9_]{1,32}\.[a-z0-9_]{1,32}$/;

/** What tells one acknowledged message of a sender from another. */
export const frameIdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/));

const must = v.optional(namesSchema);

/** The JSON members of every header; those of each type extend it. */
export const frameHeaderSchema = v.looseObject({
  type: v.pipe(v.string(), v.regex(TYPE_NAME)),
  id: v.optional(frameIdSchema),
  must,
});
export type FrameHeader = v.InferOutput<typeof frameHeaderSchema>;

export const ackHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  ids: v.pipe(v.array(frameIdSchema), v.maxLength(MAX_ACK_IDS)),
});

export const recordHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  record: recordTextSchema,
});

export const keepHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  id: frameIdSchema,
  close: v.pipe(v.array(bytesSchema(16)), v.maxLength(MAX_KEEP_IDS)),
});

export const closeHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  /** The sender's owner revoked what the two have: the pairs go with the session. */
  revoked: v.optional(v.boolean(), false),
});

export const syncHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  pairs: v.pipe(v.array(bytesSchema(16)), v.maxLength(MAX_SYNC_PAIRS)),
});
