/**
 * What a program measures of itself, as Prometheus groups it and `GET /m/monitoring/numbers` shows it. Names, labels and
 * their values are words of the program; none is ever made of an id, an address or a text from outside.
 *
 * @module
 */

export type MetricLabels = Readonly<Record<string, string>>;

/** One value of a family. */
export interface MetricSample {
  readonly labels: MetricLabels;
  readonly value: number;
}

/** All values of one name. */
export interface MetricFamily {
  /** `a–z`, digits and `_`; of a counter with the end `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly samples: readonly MetricSample[];
}

/** A duration of which every single one counts. */
export interface DurationFamily {
  /** Ends with `_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in seconds, growing. */
  readonly buckets: readonly number[];
}

/** What keeps a program from its work, or will. */
export interface Trouble {
  /** A stable word. */
  readonly code: string;
  /** For people. */
  readonly text: string;
}

/** `GET /readyz`, with the token. */
export interface ReadyView {
  readonly ready: boolean;
  readonly troubles: readonly Trouble[];
}

/** `GET /healthz`, with the token. */
export interface HealthView {
  readonly status: "ok";
  readonly version: string;
  readonly uptime_s: number;
}

export const METRICS_PATH = "/metrics";
export const HEALTH_WATCH_PATH = "/healthz";
export const READY_PATH = "/readyz";

/** What Prometheus expects of an exposition in text. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A family with one value and no label. */
export function single(
  of: Pick<MetricFamily, "name" | "help" | "type">,
  value: number,
): MetricFamily {
  return { ...of, samples: [{ labels: {}, value }] };
}

/** A family whose values differ in one label. */
export function byLabel(
  of: Pick<MetricFamily, "name" | "help" | "type">,
  label: string,
  values: Readonly<Record<string, number>>,
): MetricFamily {
  const samples = Object.entries(values).map(([name, value]) => ({
    labels: { [label]: name },
    value,
  }));
  return { ...of, samples };
}
