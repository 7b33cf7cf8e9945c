/**
 * Counters and gauges in the text format of Prometheus.
 *
 * @module
 */

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

/** A value measured when it is asked for. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly values: readonly { readonly labels?: string; readonly value: number }[];
}

function head(name: string, { help, type }: { help: string; type: string }): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** One line of a counter. */
export interface Count {
  value: number;
}

function labelText(labels: Readonly<Record<string, string | number>>): string {
  return Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(",");
}

/** Counts what a directory does. */
export class Metrics {
  readonly #counters = new Map<CounterName, Map<string, Count>>();

  /**
   * The count of one set of labels, to be held where adding is frequent. Labels must be few and of
   * few values: each set is kept for good.
   */
  counter(name: CounterName, labels: Readonly<Record<string, string | number>>): Count {
    let series = this.#counters.get(name);
    if (series === undefined) {
      series = new Map();
      this.#counters.set(name, series);
    }
    const key = labelText(labels);
    let count = series.get(key);
    if (count === undefined) {
      count = { value: 0 };
      series.set(key, count);
    }
    return count;
  }

  /** Adds one. */
  count(name: CounterName, labels: Readonly<Record<string, string | number>>): void {
    this.counter(name, labels).value += 1;
  }

  /** Writes everything counted, and the gauges given. */
  render(gauges: readonly Gauge[]): string {
    let text = "";
    for (const [name, help] of Object.entries(COUNTERS)) {
      text += head(name, { help, type: "counter" });
      for (const [labels, { value }] of this.#counters.get(name as CounterName) ?? []) {
        text += `${name}{${labels}} ${value}\n`;
      }
    }
    for (const { name, help, values } of gauges) {
      text += head(name, { help, type: "gauge" });
      for (const { labels, value } of values) {
        text += `${name}${labels === undefined ? "" : `{${labels}}`} ${value}\n`;
      }
    }
    return text;
  }
}
