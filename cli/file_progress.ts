/**
 * Waiting for files, with what there is to see of it on a terminal: how far, how fast, how long.
 *
 * @module
 */
import type { CommandContext } from "./command.ts";
import { showBytes } from "./file_view.ts";
import { unlessStopped } from "./interruption.ts";
import type { OptionSpecs } from "./options.ts";
import { showDuration } from "./output.ts";
import { cutText } from "./text_width.ts";

const LOOK_EVERY_MS = 500;
/** The rate is that of the last five seconds. */
const SAMPLES = 10;

export interface Progress {
  readonly what: string;
  readonly bytes: number;
  readonly doneBytes: number;
  /** Why nothing goes on now. */
  readonly waits: string | null;
  /** How it goes: `direct` or `relayed`. */
  readonly way?: string | null;
}

type WatchContext = Pick<CommandContext<OptionSpecs>, "clock" | "err" | "options" | "signal">;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** One line: `photo.jpg  34 %  12 MiB of 35 MiB  4.1 MiB/s  5 s left  direct`. */
export function showProgress(
  { what, bytes, doneBytes, waits, way = null }: Progress,
  samples: readonly Sample[],
): string {
  const percent = bytes === 0 ? 100 : Math.floor(100 * doneBytes / bytes);
  const parts = [what, `${percent} %`, `${showBytes(doneBytes)} of ${showBytes(bytes)}`];
  const [first, last] = [samples[0], samples.at(-1)];
  if (waits !== null) parts.push(waits);
  else if (first !== undefined && last !== undefined && last.atMs > first.atMs) {
    const rate = Math.max(0, last.bytes - first.bytes) / ((last.atMs - first.atMs) / 1_000);
    parts.push(`${showBytes(rate)}/s`);
    if (rate > 0) parts.push(`${showDuration(1_000 * (bytes - doneBytes) / rate)} left`);
  }
  if (way !== null) parts.push(way);
  return parts.join("  ");
}

/**
 * Looks again and again until something is over. Quiet where nobody reads along, and with --json.
 * @param look `over`: what it came to; otherwise how far it is.
 * @param stopped What to say where the person does not wait for it.
 * @throws {CommandError} Exit code 130.
 */
export async function watchProgress<T>(
  { clock, err, options, signal }: WatchContext,
  { look, stopped }: {
    readonly look: () => Promise<{ readonly over: T } | { readonly progress: Progress }>;
    readonly stopped: string;
  },
): Promise<T> {
  const isShown = err.isTerminal && options.json !== true;
  const samples: Sample[] = [];
  try {
    for (;;) {
      const seen = await unlessStopped(signal, stopped, look());
      if ("over" in seen) return seen.over;
      samples.push({ atMs: clock.nowMs(), bytes: seen.progress.doneBytes });
      if (samples.length > SAMPLES) samples.shift();
      if (isShown) {
        const width = (err.columns ?? 80) - 1;
        const line = cutText(err.paint(showProgress(seen.progress, samples)), width);
        await err.raw(`\r\x1b[K${line}`);
      }
      const pause = new Promise<void>((resolve) => clock.setTimer(LOOK_EVERY_MS, resolve));
      await unlessStopped(signal, stopped, pause);
    }
  } finally {
    if (isShown) await err.raw("\r\x1b[K");
  }
}
