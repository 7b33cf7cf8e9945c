/**
 * What messaging says of itself.
 *
 * @module
 */
import type { ManifestInput } from "../../protocol/module_manifest.ts";

export const MESSAGE_PERMISSION = "message";

/** The second halves of the frame types (docs/PROTOCOL.md, "Messages"). */
export const TEXT = "text";
export const REACT = "react";
export const REMOVE = "remove";
export const READ = "read";
export const TYPING = "typing";
/** A text as a sealed call: its answer says that it is stored. */
export const SEND = "send";

/** Of groups (docs/PROTOCOL.md, "Groups"). */
export const GROUP_STATEMENT = "group_statement";
export const GROUP_MEMBER = "group_member";
export const GROUP_MESSAGE = "group_message";
export const GROUP_SUMMARY = "group_summary";
export const GROUP_VECTOR = "group_vector";
export const GROUP_READ = "group_read";
export const GROUP_TYPING = "group_typing";

/** What every message with a number has in its header. */
const NUMBERED = ["sent_at", "run", "n", "after"];
const TEXT_MEMBERS = [...NUMBERED, "reply_to", "edits", "expires_ms"];

export const MESSAGING_MANIFEST = {
  name: "messaging",
  version: "2.0.0",
  api: 1,
  summary: "Text messages, kept until the peer has them",
  services: ["messaging"],
  permissions: [MESSAGE_PERMISSION],
  options: [
    {
      type: "flag",
      name: "receipts",
      summary: "Tell peers what was read, but for those that the owner decided about",
      fallback: true,
    },
    {
      type: "number",
      name: "give_up_days",
      summary: "Days after which a message that was not delivered is given up; 0: never",
      fallback: 0,
      min: 0,
      max: 3_650,
    },
    {
      type: "number",
      name: "group_members",
      summary: "The most members of a group that this node owns, invited ones included",
      fallback: 64,
      min: 2,
      max: 256,
    },
  ],
  frames: [
    { type: TEXT, members: TEXT_MEMBERS, strangers: true },
    { type: REACT, members: [...NUMBERED, "to"] },
    { type: REMOVE, members: [...NUMBERED, "removes"] },
    { type: READ, members: ["upto"] },
    { type: TYPING },
    { type: SEND, members: ["message", ...TEXT_MEMBERS], answers: true },
    { type: GROUP_STATEMENT, members: ["group"], strangers: true },
    { type: GROUP_MEMBER, members: ["group"] },
    { type: GROUP_MESSAGE, members: ["group", "message", "salt"] },
    { type: GROUP_SUMMARY, members: ["group"] },
    { type: GROUP_VECTOR, members: ["group"] },
    { type: GROUP_READ, members: ["group", "upto"] },
    { type: GROUP_TYPING, members: ["group"] },
  ],
} satisfies ManifestInput;
