/**
 * What a directory counts, by the thread that does it. Counting costs an addition.
 *
 * @module
 */
import type { MetricFamily, MetricLabels } from "../protocol/metrics.ts";

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

/** One line of a counter. */
export interface Count {
  readonly labels: MetricLabels;
  value: number;
}

/** One line as other threads are told of it. */
export type Counted = Readonly<Count> & { readonly name: CounterName };

function keyOf(labels: MetricLabels): string {
  return Object.entries(labels).map(([name, value]) => `${name}=${value}`).join(",");
}

/** The counters of one thread. */
export class Counters {
  readonly #counters = new Map<CounterName, Map<string, Count>>();

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

  /** Every line. */
  all(): readonly Counted[] {
    return [...this.#counters].flatMap(([name, series]) =>
      [...series.values()].map((count) => ({ name, ...count }))
    );
  }

  /** As Prometheus shows them, with what other threads have counted. */
  families(others: readonly Counted[]): MetricFamily[] {
    const sums = new Counters();
    for (const { name, labels, value } of [...this.all(), ...others]) {
      sums.counter(name, labels).value += value;
    }
    return Object.entries(COUNTERS).map(([name, help]) => ({
      name,
      help,
      type: "counter",
      samples: [...sums.#counters.get(name as CounterName)?.values() ?? []],
    }));
  }
}
