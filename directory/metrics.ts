/**
 * What a directory counts. Counting costs an addition; the monitor, which writes it for Prometheus and measures how long
 * things take, is opened when somebody first asks.
 *
 * @module
 */
import { DURATION_BUCKETS, type Monitor, type OpenMonitor } from "../ports/monitor.ts";
import type { DurationFamily, MetricFamily, MetricLabels } from "../protocol/metrics.ts";

/** The counters, and what they count. Labels never come from outside. */
const COUNTERS = {
  openred_http_requests_total: "Requests answered, by method, route and status.",
  openred_registrations_total: "Registrations, by outcome.",
  openred_callbacks_total: "Callbacks to nodes, by result.",
  openred_pairs_issued_total: "Pairs issued, by method.",
  openred_pushes_total: "Halves pushed to nodes, by receiver and result.",
  openred_passed_on_total: "Records passed on to other directories, by result.",
  openred_refusals_total: "Requests refused, by code.",
} as const;

export type CounterName = keyof typeof COUNTERS;

const STORE_COMMIT = "openred_store_commit_seconds";
const HTTP_REQUEST = "openred_http_request_seconds";

const DURATIONS: readonly DurationFamily[] = [
  {
    name: STORE_COMMIT,
    help: "What a transaction of the store takes until it is on disk.",
    labels: [],
    buckets: DURATION_BUCKETS,
  },
  {
    name: HTTP_REQUEST,
    help: "What answering a request takes, by route.",
    labels: ["route"],
    buckets: DURATION_BUCKETS,
  },
];

/** One line of a counter. */
export interface Count {
  readonly labels: MetricLabels;
  value: number;
}

function keyOf(labels: MetricLabels): string {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(",");
}

/** Counts what a directory does. */
export class Metrics {
  readonly #openMonitor: OpenMonitor;
  readonly #counters = new Map<CounterName, Map<string, Count>>();
  #opening: Promise<Monitor> | null = null;
  #monitor: Monitor | null = null;
  #isStopped = false;

  constructor(openMonitor: OpenMonitor) {
    this.#openMonitor = openMonitor;
  }

  /**
   * The count of one set of labels, to be held where adding is frequent. Labels must be few and of
   * few values: each set is kept for good.
   */
  counter(name: CounterName, labels: MetricLabels): Count {
    let series = this.#counters.get(name);
    if (series === undefined) {
      series = new Map();
      this.#counters.set(name, series);
    }
    const key = keyOf(labels);
    let count = series.get(key);
    if (count === undefined) {
      count = { labels, value: 0 };
      series.set(key, count);
    }
    return count;
  }

  /** Adds one. */
  count(name: CounterName, labels: MetricLabels): void {
    this.counter(name, labels).value += 1;
  }

  /** Whether anybody wants to know how long things take. */
  get isTiming(): boolean {
    return this.#monitor !== null;
  }

  observeCommit(seconds: number): void {
    this.#monitor?.observe(STORE_COMMIT, seconds);
  }

  observeRequest(route: string, seconds: number): void {
    this.#monitor?.observe(HTTP_REQUEST, seconds, { route });
  }

  /** Writes everything counted and measured, and the families given. */
  async text(families: readonly MetricFamily[]): Promise<string> {
    this.#opening ??= this.#openMonitor(DURATIONS);
    const monitor = await this.#opening;
    if (this.#isStopped) monitor.stop();
    this.#monitor = monitor;
    return await monitor.text([...this.#counted(), ...families]);
  }

  stop(): void {
    this.#isStopped = true;
    this.#monitor?.stop();
  }

  #counted(): MetricFamily[] {
    return Object.entries(COUNTERS).map(([name, help]) => ({
      name,
      help,
      type: "counter",
      samples: [...this.#counters.get(name as CounterName)?.values() ?? []],
    }));
  }
}
