/**
 * What crosses the wire between two nodes outside frames.
 *
 * @module
 */
import * as v from "valibot";
import {
  FRAME_HEAD_BYTES,
  MAX_CALL_ANSWER_BYTES,
  MAX_FRAME_BYTES,
  MAX_HANDSHAKE_BYTES,
} from "./limits.ts";
import { bytesSchema, maxBytesSchema, nameSchema, namesSchema } from "./schemas.ts";

export const HANDSHAKE_PATH = "/p2p/handshake";
export const MESSAGE_PATH = "/p2p/message";
export const CHANNEL_PATH = "/p2p/channel";

/** Sealed calls that have a path of their own, by their type: those of the built-in modules. */
export const CALL_PATHS: ReadonlyMap<string, string> = new Map([
  ["messaging.send", "/p2p/message/send"],
  ["file_sharing.share", "/p2p/file/share"],
  ["file_sharing.request", "/p2p/file-request"],
  ["authentication.challenge", "/p2p/auth/challenge"],
]);

/** Below which paths the public routes of built-in modules lie. */
export const PUBLIC_PREFIXES: ReadonlyMap<string, readonly string[]> = new Map([
  ["file_sharing", ["/p2p/file/", "/f/"]],
]);

/** Close codes of a channel (RFC 6455 §7.4.2 leaves 4000–4999 to applications). */
export const CHANNEL_CLOSE = { idle: 1000, goingAway: 1001, refused: 1008, unknown: 4404 } as const;

const must = v.optional(namesSchema);

/** Message 1. */
export const handshakeRequestSchema = v.looseObject({
  v: v.literal(3),
  suite: nameSchema,
  pair_id: bytesSchema(16),
  noise: maxBytesSchema(MAX_HANDSHAKE_BYTES),
  must,
});
export type HandshakeRequest = v.InferOutput<typeof handshakeRequestSchema>;

/** Message 2: a reader looks at `noise` alone. */
export const handshakeAnswerSchema = v.looseObject({ noise: maxBytesSchema(MAX_HANDSHAKE_BYTES) });

/** A frame by POST. */
export const messageRequestSchema = v.looseObject({
  session_id: bytesSchema(16),
  data: maxBytesSchema(MAX_FRAME_BYTES),
  must,
});

/** What a POST that carried a sealed call is answered with; `data` is the frame of the answer. */
export const callResponseSchema = v.looseObject({
  received: v.literal(true),
  data: v.optional(maxBytesSchema(MAX_CALL_ANSWER_BYTES)),
});

/** The session id in the head of a frame, or `null` if the bytes are no frame of this version. */
export function frameSessionId(frame: Uint8Array): Uint8Array | null {
  if (frame.length < FRAME_HEAD_BYTES || frame.length > MAX_FRAME_BYTES) return null;
  return frame[0] === 3 ? frame.subarray(1, 17) : null;
}
