/**
 * The frames of groups. Each has `group` in its header, the group's id.
 *
 * - `messaging.group_statement`: the body is one statement of the group's owner, a JWS. Of somebody who is no member here,
 *   it is taken only as part of an invitation of this node.
 * - `messaging.group_member`: the body is one membership, a JWS.
 * - `messaging.group_message`: `message` is what the author signed, a JWS; `salt` its 16 bytes in base64url, absent where
 *   the text is gone; the body is the message's own.
 * - `messaging.group_summary`: the body is JSON, which statements and memberships its sender has.
 * - `messaging.group_vector`: the body is JSON, which messages its sender has and which it will never have.
 * - `messaging.group_read`: `upto` names a message of the frame's reader, `{run, n}`. Never passed on.
 * - `messaging.group_typing`: no body, no `id`. Never passed on.
 *
 * All but typing have an `id`; it belongs to the carrier, and what is carried is the same under any other one.
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { frameHeaderSchema } from "../../../protocol/frames.ts";
import { bytesSchema } from "../../../protocol/schemas.ts";
import { ownNameSchema } from "../names.ts";
import { groupSchema } from "./core/fields.ts";
import { MAX_MESSAGE_BYTES, SALT_BYTES } from "./core/limits.ts";

/** The header of every frame of a group. */
export const groupHeaderSchema = v.looseObject({
  ...frameHeaderSchema.entries,
  group: groupSchema,
});

export const groupMessageSchema = v.looseObject({
  ...groupHeaderSchema.entries,
  message: v.pipe(v.string(), v.maxLength(MAX_MESSAGE_BYTES)),
  salt: v.optional(bytesSchema(SALT_BYTES)),
});

export const groupReadSchema = v.looseObject({
  ...groupHeaderSchema.entries,
  upto: ownNameSchema,
});

/** The text of a frame's body. @throws {OpenRedError} `bad_request`. */
export function readBodyText(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw new OpenRedError("bad_request", "The body is not UTF-8", { cause });
  }
}
