/**
 * How methods are picked, as both programs read it from their options.
 *
 * @module
 */
import type { RotationPolicy } from "../crypto/interface.ts";
import { NETWORK_SEED_BYTES } from "../protocol/network_seed.ts";
import { ProcessError } from "./process_error.ts";

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
  let seed: Uint8Array;
  try {
    seed = Deno.readFileSync(path);
  } catch (cause) {
    throw new ProcessError(2, `--network-seed-file: cannot read the file ${path}`, { cause });
  }
  const { min, max } = NETWORK_SEED_BYTES;
  if (seed.length < min || seed.length > max) {
    const message =
      `--network-seed-file: ${path} has ${seed.length} bytes, expected ${min} to ${max}`;
    throw new ProcessError(2, message);
  }
  return { kind: "seeded", seed };
}
