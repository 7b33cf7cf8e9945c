/**
 * What monitoring says of itself.
 *
 * @module
 */
import type { ManifestInput } from "../../protocol/module_manifest.ts";

export const MONITORING_MANIFEST = {
  name: "monitoring",
  version: "1.0.0",
  api: 1,
  summary: "Metrics, health and readiness for whoever watches this node",
  permissions: ["traces"],
} satisfies ManifestInput;
