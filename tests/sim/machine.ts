/**
 * Virtual machines: how they are made, started, stopped and crashed.
 *
 * @module
 */
import type { EventLoop } from "./event_loop.ts";
import type { SeededRandom } from "../world/seeded_random.ts";
import type { Trace } from "./trace.ts";
import { VirtualDisk } from "./virtual_disk.ts";
import { VirtualOwnerDisk } from "./virtual_owner_disk.ts";
import type { VirtualNetwork } from "./virtual_network.ts";
import { type VirtualHost, VirtualProcess } from "./virtual_process.ts";

export interface MachineParts {
  readonly loop: EventLoop;
  readonly network: VirtualNetwork;
  readonly random: SeededRandom;
  readonly trace: Trace;
}

export function createHost(
  network: VirtualNetwork,
  options: { name: string; origin: string; address: string },
): VirtualHost {
  const { loop, random } = network;
  const disk = new VirtualDisk(loop, random.fork(`disk/${options.name}`));
  const files = new VirtualOwnerDisk(loop, random.fork(`files/${options.name}`));
  const host: VirtualHost = { ...options, disk, files, wallOffsetMs: 0, process: null };
  network.addHost(host);
  return host;
}

/** Starts a process on a host that has none. */
export function bootProcess(loop: EventLoop, host: VirtualHost): VirtualProcess {
  if (host.process !== null) throw new TypeError(`Host ${host.name} runs a process already`);
  return new VirtualProcess(loop, host);
}

/** Kills the process of a host, and leaves on its disk what a power cut would. */
export function crashHost(host: VirtualHost): void {
  host.process?.kill();
  host.disk.settleCrash();
  host.files.settleCrash();
  host.disk.statementsUntilCrash = null;
}

/** Ends a host for good, once what its process had begun has settled. */
export async function destroyHost(loop: EventLoop, host: VirtualHost): Promise<void> {
  host.process?.kill();
  await loop.settle().catch(() => undefined);
  host.disk.close();
}

/** Chooses a moment in the near future, in the middle of its database work, at which a host dies. */
export function armCrash(host: VirtualHost, random: SeededRandom): void {
  host.disk.statementsUntilCrash = random.between(1, 12);
}

/** A log entry as one line of the trace. */
export function logLine(level: string, event: string, fields: unknown): string {
  return `${level} ${event} ${fields === undefined ? "" : JSON.stringify(fields)}`.trimEnd();
}
