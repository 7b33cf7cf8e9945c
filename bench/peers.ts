/**
 * What people would use instead, measured beside ours in the same run. Needs their programs, so it is no part of a run
 * that names none.
 *
 * @module
 */
import { measureDiscovery } from "./peer_discovery.ts";
import { measureLibp2p } from "./peers_libp2p.ts";
import type { Benchmark, Settings } from "./settings.ts";

/** A comparison, and the programs that it starts. */
interface Peer {
  readonly programs: readonly string[];
  readonly measure: (settings: Settings) => Promise<void>;
}

const PEERS: readonly Peer[] = [
  { programs: ["wrk", "stdiscosrv", "openssl"], measure: measureDiscovery },
  { programs: ["npm", "node"], measure: measureLibp2p },
];

/** @throws {Error} Where a program is not on the path. */
async function checkPrograms(programs: readonly string[]): Promise<void> {
  for (const program of programs) {
    const args = ["-c", 'command -v "$0"', program];
    const { success } = await new Deno.Command("sh", { args, stdout: "null" }).output();
    if (!success) throw new Error(`The benchmark peers needs the program ${program}`);
  }
}

async function run(settings: Settings): Promise<void> {
  for (const { programs } of PEERS) await checkPrograms(programs);
  for (const { measure } of PEERS) await measure(settings);
}

/** Ours and others. */
export const peers: Benchmark = { name: "peers", isOptional: true, run };
