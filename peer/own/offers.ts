/**
 * What a node offers in its record.
 *
 * @module
 */
import { type Suite, SUITES } from "../../crypto/interface.ts";
import type { PostQuantumPolicy } from "../../protocol/node_settings.ts";

/** The suites a node accepts, best first. */
export function suitesOf(pq: PostQuantumPolicy): readonly Suite[] {
  if (pq === "require") return [SUITES[0]];
  return pq === "off" ? [SUITES[1]] : SUITES;
}
