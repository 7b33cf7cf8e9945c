/**
 * How methods are picked, as both programs read it from their options.
 *
 * @module
 */
import type { RotationPolicy } from "../crypto/interface.ts";
import { NETWORK_SEED_BYTES } from "../protocol/network_seed.ts";
import { checkSize, readNamedFile } from "./named_file.ts";

export interface RotationOptions {
  readonly rotation: "hourly" | "daily" | "seeded";
  /** Of `seeded`. */
  readonly networkSeedFile: string | null;
}

/**
 * Reads the policy, and the seed it needs.
 * @throws {ProcessError} Exit code 2 for a file that cannot be read or has the wrong size.
 */
export function readRotationPolicy(options: RotationOptions): RotationPolicy {
  const { rotation, networkSeedFile } = options;
  if (rotation !== "seeded") return { kind: rotation };
  const path = networkSeedFile ?? "";
  const flag = "--network-seed-file";
  const { min: minBytes, max: maxBytes } = NETWORK_SEED_BYTES;
  const seed = readNamedFile(path, flag);
  checkSize(seed, { path, flag, minBytes, maxBytes });
  return { kind: "seeded", seed };
}
