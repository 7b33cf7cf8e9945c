/**
 * How long the benchmarks measure.
 *
 * @module
 */

/** What `--quick` shortens: enough to see that everything works, too little for numbers to quote. */
export interface Settings {
  readonly rounds: number;
  /** About how long one sample takes. */
  readonly sampleMs: number;
  readonly isQuick: boolean;
}

export const FULL: Settings = { rounds: 7, sampleMs: 1_000, isQuick: false };
export const QUICK: Settings = { rounds: 2, sampleMs: 150, isQuick: true };

/** One benchmark. It throws if what it measures does not work; a missed aim is no failure. */
export interface Benchmark {
  readonly name: string;
  /** Whether it runs only where it is named. */
  readonly isOptional?: boolean;
  run(settings: Settings): Promise<void>;
}
