/**
 * What `openred-node top` shows: the numbers of two moments, and what lies between them.
 *
 * @module
 */
import type { MetricFamily, MetricLabels, ReadyView } from "../protocol/metrics.ts";

/** What a node said at one moment. */
export interface TopMoment {
  readonly atMs: number;
  readonly families: readonly MetricFamily[];
  readonly ready: ReadyView;
}

/** A second of traffic; `null` at the first moment. */
export interface TopRates {
  readonly frames_sent: number;
  readonly frames_received: number;
  readonly bytes_sent: number;
  readonly bytes_received: number;
  /** Of one processor, 0 to 1 and more. */
  readonly processor: number;
}

/** With `--json`, one a line. */
export interface TopView extends ReadyView {
  readonly uptime_s: number;
  readonly sessions: Readonly<Record<string, number>>;
  readonly channels: number;
  readonly directories: Readonly<Record<string, number>>;
  readonly modules: Readonly<Record<string, number>>;
  /** What waits, by what it waits for. */
  readonly waiting: Readonly<Record<string, number>>;
  readonly oldest_message_s: number;
  readonly transfers: number;
  readonly connections: Readonly<Record<string, number>>;
  readonly memory_bytes: number;
  readonly disk_free_bytes: number | null;
  readonly rates: TopRates | null;
}

class Numbers {
  readonly #families: ReadonlyMap<string, MetricFamily>;

  constructor(families: readonly MetricFamily[]) {
    this.#families = new Map(families.map((family) => [family.name, family]));
  }

  has(name: string): boolean {
    return this.#families.has(name);
  }

  /** The sum of the samples that have these labels. */
  of(name: string, labels: MetricLabels = {}): number {
    return (this.#families.get(name)?.samples ?? [])
      .filter((sample) =>
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
      )
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** The values of a family by one of its labels. */
  by(name: string, label: string): Record<string, number> {
    const samples = this.#families.get(name)?.samples ?? [];
    return Object.fromEntries(samples.map(({ labels, value }) => [labels[label] ?? "", value]));
  }
}

function ratesBetween(former: TopMoment, now: TopMoment): TopRates | null {
  const seconds = (now.atMs - former.atMs) / 1000;
  if (seconds <= 0) return null;
  const [before, after] = [new Numbers(former.families), new Numbers(now.families)];
  // A counter that went back is one of a node that was started anew.
  const rate = (name: string, labels: MetricLabels = {}) =>
    Math.max(0, after.of(name, labels) - before.of(name, labels)) / seconds;
  return {
    frames_sent: rate("openred_frames_total", { direction: "sent" }),
    frames_received: rate("openred_frames_total", { direction: "received" }),
    bytes_sent: rate("openred_frame_bytes_total", { direction: "sent" }),
    bytes_received: rate("openred_frame_bytes_total", { direction: "received" }),
    processor: rate("process_cpu_seconds_total"),
  };
}

/** @param former An earlier moment, or `null`. */
export function viewTop(now: TopMoment, former: TopMoment | null): TopView {
  const numbers = new Numbers(now.families);
  const { messaging = 0, ...others } = numbers.by("openred_waiting", "module");
  return {
    ...now.ready,
    uptime_s: numbers.of("openred_uptime_seconds"),
    sessions: numbers.by("openred_sessions", "state"),
    channels: numbers.of("openred_channels"),
    directories: numbers.by("openred_directories", "state"),
    modules: numbers.by("openred_modules", "state"),
    waiting: {
      messages: messaging,
      files: others.file_sharing ?? 0,
      store_writes: numbers.of("openred_store_writes_waiting"),
      audit_entries: numbers.of("openred_audit_entries_waiting"),
      core_calls: numbers.of("openred_core_calls_waiting"),
    },
    oldest_message_s: numbers.of("openred_messaging_outbox_oldest_seconds"),
    transfers: numbers.of("openred_file_sharing_transfers"),
    connections: numbers.by("openred_connections", "listener"),
    memory_bytes: numbers.of("process_resident_memory_bytes"),
    disk_free_bytes: numbers.has("openred_disk_free_bytes")
      ? numbers.of("openred_disk_free_bytes")
      : null,
    rates: former === null ? null : ratesBetween(former, now),
  };
}
