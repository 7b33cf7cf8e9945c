/**
 * What the benchmarks print: plain text, one line a subject, one line an aim.
 *
 * @module
 */
import { cpus } from "node:os";
import { type Spread, spreadOf } from "./statistics.ts";

const NAME_WIDTH = 46;

/** What an aim asks of a number. */
export interface Aim {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The unit of a row, and how many digits after the point it is worth. */
export interface Unit {
  readonly unit: string;
  readonly digits?: number;
}

function format(value: number, digits: number): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function showSpread({ median, min, max }: Spread, { unit, digits = 0 }: Unit): string {
  const range = `${format(min, digits)} – ${format(max, digits)}`;
  return `${format(median, digits).padStart(12)} ${unit.padEnd(14)} (${range})`;
}

/** Prints what is measured on. */
export function printMachine(): void {
  const processors = cpus();
  const { deno, v8 } = Deno.version;
  const load = Deno.loadavg().map((value) => value.toFixed(2)).join(" ");
  console.log(
    `machine   ${Deno.build.target}, ${processors.length} × ${processors[0]?.model ?? "?"}`,
  );
  console.log(`versions  deno ${deno}, v8 ${v8}`);
  console.log(`date      ${new Date().toISOString().slice(0, 16)}Z, load ${load}`);
}

/** Prints the title of a benchmark. */
export function printTitle(name: string, text: string): void {
  console.log(`\n${name}: ${text}`);
}

/** Prints one subject: median, then the smallest and the largest sample. */
export function printSamples(name: string, samples: readonly number[], unit: Unit): void {
  console.log(`  ${name.padEnd(NAME_WIDTH)} ${showSpread(spreadOf(samples), unit)}`);
}

/** Prints one subject beside its aim, and whether the median met it. Judges nothing by exit code. */
export function printAim(
  name: string,
  samples: readonly number[],
  options: Unit & { readonly aim: Aim },
): void {
  const { aim, unit, digits = 0 } = options;
  const { median } = spreadOf(samples);
  const isMet = median >= (aim.atLeast ?? -Infinity) && median <= (aim.atMost ?? Infinity);
  const sign = aim.atLeast === undefined ? "≤" : "≥";
  const wanted = `${sign} ${format(aim.atLeast ?? aim.atMost ?? 0, digits)} ${unit}`;
  const verdict = isMet ? "met" : "MISSED";
  console.log(
    `  ${name.padEnd(NAME_WIDTH)} ${
      showSpread(spreadOf(samples), options)
    }  aim ${wanted}: ${verdict}`,
  );
}

/** Prints something the reader should know about the numbers. */
export function printNote(text: string): void {
  console.log(`  · ${text}`);
}
