/**
 * What a node offers in its record.
 *
 * @module
 */
import { CRYPTO_METHODS, type Suite, SUITES } from "../../crypto/interface.ts";
import type { PostQuantumPolicy } from "../../protocol/node_settings.ts";

/** The suites a node accepts, best first. */
export function suitesOf(pq: PostQuantumPolicy): readonly Suite[] {
  if (pq === "require") return [SUITES[0]];
  return pq === "off" ? [SUITES[1]] : SUITES;
}

/** The methods this node lists in its record. */
export const OWN_METHODS: readonly string[] = CRYPTO_METHODS;
