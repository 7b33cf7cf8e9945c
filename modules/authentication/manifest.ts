/**
 * What authentication says of itself.
 *
 * @module
 */
import type { ManifestInput } from "../../protocol/module_manifest.ts";

/** The second half of the call's type (docs/PROTOCOL.md, "Factors"). */
export const CHALLENGE = "challenge";

export const AUTHENTICATION_MANIFEST = {
  name: "authentication",
  version: "1.0.0",
  api: 1,
  summary: "Who opens the console, and factors that are shown to peers",
  permissions: ["auth"],
  frames: [
    {
      type: CHALLENGE,
      members: ["purpose", "level", "nonce", "module", "proof"],
      answers: true,
    },
  ],
} satisfies ManifestInput;
