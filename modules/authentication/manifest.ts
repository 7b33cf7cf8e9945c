/**
 * What authentication says of itself.
 *
 * @module
 */
import type { ManifestInput } from "../../protocol/module_manifest.ts";

export const AUTHENTICATION_MANIFEST = {
  name: "authentication",
  version: "1.0.0",
  api: 1,
  summary: "Who opens the console, and factors that are shown to peers",
} satisfies ManifestInput;
