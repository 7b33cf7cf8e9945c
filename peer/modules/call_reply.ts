/**
 * What a sealed call is answered with, before it is sealed.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { CallAnswer } from "../../modules/api.ts";
import type { OpenRedError } from "../../protocol/errors.ts";
import {
  FRAME_HEAD_BYTES,
  FRAME_LENGTHS_BYTES,
  FRAME_TAG_BYTES,
  MAX_CALL_ANSWER_BYTES,
  MAX_FRAME_HEADER_BYTES,
} from "../../protocol/limits.ts";
import { hasNodeMembers } from "./outgoing.ts";

const FRAME_OVERHEAD_BYTES = FRAME_HEAD_BYTES + FRAME_LENGTHS_BYTES + FRAME_TAG_BYTES;
const MAX_DETAIL_LENGTH = 200;

export interface Reply {
  readonly header: Record<string, unknown>;
  readonly body: Uint8Array;
  /** The length of the frame that it makes. */
  readonly bytes: number;
}

/** Which call is answered. */
export interface Asked {
  readonly type: string;
  readonly ask: string;
}

/**
 * What a module answers.
 * @throws {RangeError} Where it is no answer, or does not fit: a fault of the module.
 */
export function replyTo({ type, ask }: Asked, answer: CallAnswer): Reply {
  const { header = {}, body = new Uint8Array() } = answer;
  if (typeof header !== "object" || header === null || !(body instanceof Uint8Array)) {
    throw new RangeError("Expected an answer with an object for a header and bytes for a body");
  }
  if (hasNodeMembers(header)) throw new RangeError("An answer has a member that is the node's own");
  // The module keeps what it gave.
  const reply = toReply({ ...header, type, answer: ask }, body.slice());
  if (reply.bytes > MAX_CALL_ANSWER_BYTES) {
    throw new RangeError(`Expected an answer of at most ${MAX_CALL_ANSWER_BYTES} bytes in all`);
  }
  return reply;
}

/** How a call is refused. */
export function refusalTo({ type, ask }: Asked, error: OpenRedError): Reply {
  const detail = error.message.slice(0, MAX_DETAIL_LENGTH);
  return toReply({ type, answer: ask, error: error.code, detail }, new Uint8Array());
}

function toReply(header: Record<string, unknown>, body: Uint8Array): Reply {
  const text = JSON.stringify(header);
  const headerBytes = encodeUtf8(text).length;
  if (headerBytes > MAX_FRAME_HEADER_BYTES) {
    throw new RangeError(`Expected a header of at most ${MAX_FRAME_HEADER_BYTES} bytes`);
  }
  // What it says now, whatever becomes of the objects in it.
  return {
    header: JSON.parse(text),
    body,
    bytes: FRAME_OVERHEAD_BYTES + headerBytes + body.length,
  };
}
