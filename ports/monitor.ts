/**
 * How what a program measures leaves it, as a port.
 *
 * @module
 */
import type { DurationFamily, MetricFamily, MetricLabels } from "../protocol/metrics.ts";

/** Takes one duration. @param name One that the program has declared. */
export type ObserveDuration = (name: string, seconds: number, labels?: MetricLabels) => void;

/** Collects durations, watches the process, and writes all there is. */
export interface Monitor {
  readonly observe: ObserveDuration;
  /** In the text format of Prometheus, with what the process itself uses. */
  text(families: readonly MetricFamily[]): Promise<string>;
  /** What the process uses: memory, processor, descriptors where the runtime shows them. */
  process(): readonly MetricFamily[];
  stop(): void;
}

/** Starts one. Nothing of it is loaded before. @param durations All that will be observed. */
export type OpenMonitor = (durations: readonly DurationFamily[]) => Promise<Monitor>;

/** Bounds for what a disk or a network takes. */
export const DURATION_BUCKETS = [
  0.000_5,
  0.001,
  0.002_5,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
] as const;
