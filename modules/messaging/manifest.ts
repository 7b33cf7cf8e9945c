/**
 * What messaging says of itself.
 *
 * @module
 */
import type { ManifestInput } from "../../protocol/module_manifest.ts";

export const MESSAGE_PERMISSION = "message";

/** The frame `messaging.text`: header `{type, id, sent_at}`, body UTF-8. */
export const TEXT = "text";

export const MESSAGING_MANIFEST = {
  name: "messaging",
  version: "1.0.0",
  api: 1,
  summary: "Text messages, kept until the peer has them",
  services: ["messaging"],
  permissions: [MESSAGE_PERMISSION],
  frames: [{ type: TEXT, members: ["sent_at"], strangers: true }],
} satisfies ManifestInput;
