/**
 * What a directory measures when it is asked.
 *
 * @module
 */
import { byLabel, type MetricFamily, single } from "../protocol/metrics.ts";
import type { DirectoryParts } from "./parts.ts";

/** What only the service as a whole knows. */
interface ServiceState {
  readonly startedMs: number;
  readonly requestsUnderWay: number;
}

/** Reads them. */
export async function readNumbers(
  { clock, config, hosts, store }: Pick<DirectoryParts, "clock" | "config" | "hosts" | "store">,
  { startedMs, requestsUnderWay }: ServiceState,
): Promise<MetricFamily[]> {
  const { active, stale, dormant } = await store.countNodes();
  return [
    byLabel(
      {
        name: "openred_nodes",
        help: "Nodes known and not gone, by status.",
        type: "gauge",
      },
      "status",
      { active, stale, dormant },
    ),
    single({
      name: "openred_ids_stored",
      help: "Ids of which something is kept, gone and succeeded ones too.",
      type: "gauge",
    }, await store.countStored()),
    single({
      name: "openred_ids_max",
      help: "Ids that may be stored; 0: no limit.",
      type: "gauge",
    }, config.limits.ids),
    single({
      name: "openred_uptime_seconds",
      help: "Seconds since the directory started.",
      type: "gauge",
    }, Math.floor((clock.monotonicMs() - startedMs) / 1000)),
    byLabel(
      { name: "openred_build_info", help: "Always 1; the version is a label.", type: "gauge" },
      "version",
      { [config.version]: 1 },
    ),
    single({
      name: "openred_requests_under_way",
      help: "Requests that are being answered.",
      type: "gauge",
    }, requestsUnderWay),
    single({
      name: "openred_calls_under_way",
      help: "Callbacks and pushes to nodes that are under way.",
      type: "gauge",
    }, hosts.underWay),
  ];
}
