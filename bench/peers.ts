/**
 * What people would use instead, measured in the same run. Optional: it fetches packages.
 *
 * @module
 */
import { measureLibp2p } from "./peers_libp2p.ts";
import { printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";

async function run(settings: Settings): Promise<void> {
  printTitle("peers", "other programs for the same purpose, on this machine");
  await measureLibp2p(settings);
}

/** Other programs; runs only where it is named. */
export const peers: Benchmark = { name: "peers", isOptional: true, run };
