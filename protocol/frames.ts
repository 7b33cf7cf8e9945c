/**
 * Headers of frames (docs/PROTOCOL.md, "Frames").
 *
 * @module
 */
import * as v from "valibot";
import {
  MAX_ACK_IDS,
  MAX_FRAME_MESSAGES,
  MAX_KEEP_IDS,
  MAX_PATHS,
  MAX_SYNC_PAIRS,
} from "./limits.ts";
import { isLanPath } from "./lan_paths.ts";
import { recordTextSchema } from "./record.ts";
import { decodeBase64Url } from "../crypto/encoding.ts";
import { bytesSchema, integerSchema, nameSchema, namesSchema } from "./schemas.ts";

const TYPE_NAME = /^[a-z0-9_]{1,32}\.[a-z0-9_]{1,32}$/;

/** What tells one acknowledged message of a sender from another. */
export const frameIdSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,64}$/));

const must = v.optional(namesSchema);

/** What tells one sealed call of a caller from another: 16 bytes, as text. */
export const askSchema = v.pipe(
  v.string(),
  v.check((text) => decodeBase64Url(text)?.length === 16, "16 bytes in base64url"),
);

/** The JSON members of every header; those of each type extend it. */
export const frameHeaderSchema = v.looseObject({
  type: v.pipe(v.string(), v.regex(TYPE_NAME)),
  id: v.optional(frameIdSchema),
  ask: v.optional(askSchema),
  answer: v.optional(askSchema),
  must,
});
export type FrameHeader = v.InferOutput<typeof frameHeaderSchema>;

export const helloHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  /** How many messages its sender takes in one frame. */
  messages: v.optional(
    v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(MAX_FRAME_MESSAGES)),
    1,
  ),
  /** Whether its sender takes handshakes as frames. */
  handshakes: v.optional(v.boolean(), false),
  /** Its sender's clock. */
  at: v.optional(integerSchema),
});

/** Message 1, which is the body, on a session that is there. */
export const handshakeHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  /** Which answer is for it: 16 bytes, as text. */
  call: askSchema,
  suite: nameSchema,
  pair_id: bytesSchema(16),
});

/** Message 2, which is the body, or `error` and none. */
export const handshakenHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  call: askSchema,
  error: v.optional(v.pipe(v.string(), v.maxLength(64))),
});

export const ackHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  ids: v.pipe(v.array(frameIdSchema), v.maxLength(MAX_ACK_IDS)),
});

/** Frames that will not be taken however often they come. */
export const refusedHeaderSchema = ackHeaderSchema;

/** The answer to a sealed call, with `error` where it was refused. */
export const answerHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  answer: askSchema,
  error: v.optional(v.pipe(v.string(), v.maxLength(64))),
  detail: v.optional(v.string()),
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

/** Where in a local network the sender can be called; none takes back what was told. */
export const pathsHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  paths: v.pipe(
    v.array(v.pipe(v.string(), v.check(isLanPath, "A path in a private network"))),
    v.maxLength(MAX_PATHS),
  ),
});
