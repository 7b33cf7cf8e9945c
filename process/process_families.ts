/**
 * What both roots know of their process: the queue of the core, and who is connected.
 *
 * @module
 */
import type { WorkerCryptoCore } from "../crypto/client.ts";
import { byLabel, type MetricFamily, single } from "../protocol/metrics.ts";
import type { Listening } from "./listening.ts";

/** How much waits for the crypto Worker. */
export function coreFamilies(
  { waitingCalls }: Pick<WorkerCryptoCore, "waitingCalls">,
): MetricFamily[] {
  return [single({
    name: "openred_core_calls_waiting",
    help: "Calls of the crypto core that wait for their results.",
    type: "gauge",
  }, waitingCalls)];
}

/** How many connections each listener has. */
export function listenerFamilies(
  listeners: Readonly<Record<string, Pick<Listening, "connections">>>,
): MetricFamily[] {
  const counts = Object.entries(listeners).map(([name, { connections }]) => [name, connections]);
  return [byLabel(
    {
      name: "openred_connections",
      help: "Connections that are open, by listener.",
      type: "gauge",
    },
    "listener",
    Object.fromEntries(counts),
  )];
}
