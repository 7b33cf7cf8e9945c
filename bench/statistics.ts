/**
 * Samples and what is said of them.
 *
 * @module
 */
import process from "node:process";

/** What many samples come to. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The median, and the extremes. */
export function spreadOf(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new RangeError("Expected at least one sample");
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    median: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
    min: sorted[0]!,
    max: sorted.at(-1)!,
  };
}

/** A sample of each subject a round, in the order of the rounds. */
export type Samples<Name extends string, T> = Readonly<Record<Name, readonly T[]>>;

/**
 * Runs every subject once a round, so that what disturbs the machine disturbs all of them alike. One round before the
 * first warms up and is not counted.
 */
export async function interleave<Name extends string, T>(
  rounds: number,
  subjects: Readonly<Record<Name, () => Promise<T> | T>>,
): Promise<Samples<Name, T>> {
  const names = Object.keys(subjects) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<
    Name,
    T[]
  >;
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const sample = await subjects[name]();
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}

/** The quotients of two subjects, round by round. */
export function ratiosOf(
  subject: readonly number[],
  reference: readonly number[],
): readonly number[] {
  return subject.map((sample, round) => sample / reference[round]!);
}

/** How often something was done: by the clock, and by the processor time this process used for it. */
export interface Rate {
  readonly perSecond: number;
  /** Disturbed far less by whatever else the machine does. */
  readonly perCpuSecond: number;
}

/** Processor time that this process has used, in milliseconds. */
export function usedCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Does something again and again for about `durationMs`.
 * @param run Does it a number of times and says how often.
 */
export async function rateOf(
  run: () => Promise<number> | number,
  durationMs: number,
): Promise<Rate> {
  const startMs = performance.now();
  const startCpuMs = usedCpuMs();
  let count = 0;
  let elapsedMs = 0;
  while (elapsedMs < durationMs) {
    const result = run();
    count += typeof result === "number" ? result : await result;
    elapsedMs = performance.now() - startMs;
  }
  return {
    perSecond: count / elapsedMs * 1_000,
    perCpuSecond: count / (usedCpuMs() - startCpuMs) * 1_000,
  };
}

/** The rates by the clock. */
export function perSecond(rates: readonly Rate[]): readonly number[] {
  return rates.map((rate) => rate.perSecond);
}

/** The rates by the processor time. */
export function perCpuSecond(rates: readonly Rate[]): readonly number[] {
  return rates.map((rate) => rate.perCpuSecond);
}
