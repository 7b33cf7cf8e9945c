/**
 * A message that came, or was written here, as it is stored: what its text may be, and its row.
 *
 * @module
 */
import { decodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { MAX_TEXT_BYTES } from "../../../protocol/messaging_api.ts";
import type { NodeId } from "../../api.ts";
import type { GroupMessage } from "./core/messages.ts";
import type { Group } from "./group.ts";
import type { GroupMessageRow, Kind } from "./group_rows.ts";
import type { Aside } from "./keeping.ts";

const MAX_REACTION_BYTES = 64;
const NUMBERED: ReadonlySet<string> = new Set(["text", "react", "remove"]);

/** A message that counts, as it is stored. @param self Whose node this is. */
export function rowOf(
  group: Group,
  came: Aside & Pick<GroupMessageRow, "rivals">,
  self: NodeId,
): GroupMessageRow {
  const { message, sealed, receivedAt, rivals } = came;
  const { sentAt, expiresMs } = message;
  return {
    group: group.id,
    hash: message.hash,
    shell: message.text,
    stm: message.stm,
    author: message.iss,
    own: message.iss === self,
    run: message.run,
    n: message.n,
    kind: kindOf(message),
    seen: [...message.prev === null ? [] : [message.prev], ...message.after],
    replyTo: message.replyTo,
    target: message.edits ?? message.removes,
    to: message.to,
    sentAt,
    receivedAt,
    expiresAt: expiresMs === null ? null : Math.min(sentAt, receivedAt) + expiresMs,
    sealed,
    bytes: bytesOf(came),
    rivals,
  };
}

/** What a message takes on disk. */
export function bytesOf({ message, sealed }: Aside): number {
  return message.text.length + (sealed?.length ?? 0);
}

/** How a message stands in the boxes. */
export function kindOf({ type, edits }: Pick<GroupMessage, "type" | "edits">): Kind {
  if (!NUMBERED.has(type)) return "other";
  return type === "text" && edits !== null ? "edit" : type as Kind;
}

/** @throws {OpenRedError} `bad_request`, `too_large` for a body that no message of its type has. */
export function readText(
  { type, edits, expiresMs }: GroupMessage,
  body: Uint8Array | null,
): string {
  if (edits !== null && expiresMs !== null) throw bad("An edit changes the text and nothing else");
  if (body === null) return "";
  if (type === "text" && body.length === 0) throw bad("The text is empty");
  if (type === "remove" && body.length > 0) throw bad("A removal has no text");
  const most = type === "react" ? MAX_REACTION_BYTES : MAX_TEXT_BYTES;
  if (body.length > most) throw new OpenRedError("too_large", "The text is too long");
  try {
    return decodeUtf8(body);
  } catch (cause) {
    throw new OpenRedError("bad_request", "The text is not UTF-8", { cause });
  }
}

function bad(text: string): OpenRedError {
  return new OpenRedError("bad_request", text);
}
