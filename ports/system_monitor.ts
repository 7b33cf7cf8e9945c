/**
 * The real monitor: prom-client, and what the runtime says of the process. Event-loop lag, memory and descriptors are
 * taken here; the package's own collectors read what this runtime does not have.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import process from "node:process";
import type { Histogram } from "prom-client";
import type { DurationFamily, MetricFamily } from "../protocol/metrics.ts";
import { byLabel, single } from "../protocol/metrics.ts";
import type { Monitor, OpenMonitor } from "./monitor.ts";
import type { Clock } from "./ports.ts";

const LAG_MS = 500;
const LAG: DurationFamily = {
  name: "openred_event_loop_lag_seconds",
  help: "How much later than asked for a timer of half a second came.",
  labels: [],
  buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
};
/** Where Linux shows the descriptors of the process. Newer runtimes show nothing of it to a program with a list of permissions. */
const DESCRIPTORS = "/proc/self/fd";

export interface MonitorOptions {
  readonly clock: Clock;
  /** The data directory, whose disk is looked at. */
  readonly data: string;
  /** What the root knows of the program besides. */
  readonly families: () => readonly MetricFamily[];
}

function countDescriptors(): MetricFamily[] {
  try {
    const value = [...Deno.readDirSync(DESCRIPTORS)].length;
    return [single({
      name: "process_open_fds",
      help: "Descriptors that are open; not there where the runtime does not show them.",
      type: "gauge",
    }, value)];
  } catch {
    return [];
  }
}

function diskFamilies(data: string): MetricFamily[] {
  try {
    const { bavail, bsize } = statfsSync(data);
    return [single({
      name: "openred_disk_free_bytes",
      help: "Room on the disk of the data directory; not there where the system does not say.",
      type: "gauge",
    }, bavail * bsize)];
  } catch {
    return [];
  }
}

function processFamilies(): MetricFamily[] {
  const { rss, heapUsed, heapTotal, external } = Deno.memoryUsage();
  const { user, system } = process.cpuUsage();
  return [
    single({
      name: "process_resident_memory_bytes",
      help: "Memory that the process holds.",
      type: "gauge",
    }, rss),
    byLabel(
      {
        name: "openred_heap_bytes",
        help: "Memory of the main thread's JavaScript, by part.",
        type: "gauge",
      },
      "part",
      { used: heapUsed, total: heapTotal, external },
    ),
    single({
      name: "process_cpu_seconds_total",
      help: "Processor time used.",
      type: "counter",
    }, (user + system) / 1e6),
    single({
      name: "process_start_time_seconds",
      help: "When the process started, in seconds since 1970.",
      type: "gauge",
    }, performance.timeOrigin / 1000),
    ...countDescriptors(),
  ];
}

/** The monitor of a program. Opening it loads the package. */
export function createOpenMonitor({ clock, data, families }: MonitorOptions): OpenMonitor {
  return async (durations) => {
    const prom = await import("prom-client");
    const lasting = new prom.Registry();
    const histograms = new Map<string, Histogram>(
      [LAG, ...durations].map(({ name, help, labels, buckets }) => {
        const registers = [lasting];
        const labelNames = [...labels];
        return [
          name,
          new prom.Histogram({ name, help, labelNames, buckets: [...buckets], registers }),
        ];
      }),
    );
    const observe: Monitor["observe"] = (name, seconds, labels = {}) => {
      const histogram = histograms.get(name);
      if (histogram === undefined) throw new RangeError("Expected a duration that was declared");
      histogram.observe({ ...labels }, seconds);
    };
    let cancel = () => {};
    const watchLag = () => {
      const dueMs = clock.monotonicMs() + LAG_MS;
      cancel = clock.setTimer(LAG_MS, () => {
        observe(LAG.name, Math.max(0, clock.monotonicMs() - dueMs) / 1000);
        watchLag();
      });
    };
    watchLag();
    const ofProcess = () => [...processFamilies(), ...diskFamilies(data), ...families()];
    return {
      observe,
      process: ofProcess,
      async text(given) {
        const momentary = new prom.Registry();
        for (const { name, help, type, samples } of [...given, ...ofProcess()]) {
          // With a label nothing is written until there is a sample.
          const labelNames = Object.keys(samples[0]?.labels ?? { none: "" });
          const options = { name, help, labelNames, registers: [momentary] };
          const metric = type === "counter" ? new prom.Counter(options) : new prom.Gauge(options);
          for (const { labels, value } of samples) metric.inc({ ...labels }, value);
        }
        return await momentary.metrics() + "\n" + await lasting.metrics();
      },
      stop: () => cancel(),
    };
  };
}
