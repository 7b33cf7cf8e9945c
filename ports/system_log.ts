/**
 * The real log: to standard error, without ever waiting for whoever reads it.
 *
 * @module
 */
import { LineWriter } from "./line_writer.ts";
import { formatLine, type LogFormat } from "./log_lines.ts";
import { LogThrottle } from "./log_throttle.ts";
import type { Clock, Log, LogFields, LogLevel } from "./ports.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
/** How long the end of a program waits for its last lines. */
const FLUSH_MS = 500;

export interface LogOptions {
  readonly clock: Clock;
  /** The lowest level that is written. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line, its newline included. Standard error if left out. */
  readonly write?: (line: string) => void;
}

export interface SystemLog extends Log {
  /** Says what was left out, and waits a moment until all of it is written. For the end of a program. */
  flush(): Promise<void>;
}

/** Makes a log. Of one event it writes 60 lines a minute, and then how many more there were (`lines_left_out`). */
export function createLog(options: LogOptions): SystemLog {
  const { clock, level, format } = options;
  const lowest = LEVELS.indexOf(level);
  const throttle = new LogThrottle();
  let cancelTimer: (() => void) | null = null;
  const line = (at: LogLevel, event: string, fields: LogFields) =>
    formatLine(format, { time: new Date(clock.nowMs()).toISOString(), level: at, event, fields });
  const writer = new LineWriter({
    stream: Deno.stderr,
    lost: (count) => line("warn", "log_lines_lost", { count }),
  });
  const write = options.write ?? ((text: string) => writer.write(text));
  const sumUp = (nowMs: number) => {
    cancelTimer?.();
    cancelTimer = null;
    for (const { event, count } of throttle.sumUp(nowMs)) {
      write(line("warn", "lines_left_out", { of: event, count }));
    }
  };
  const watch = (nowMs: number) => {
    const { dueMs } = throttle;
    if (dueMs !== null) cancelTimer ??= clock.setTimer(dueMs - nowMs, () => sumUp(dueMs));
  };
  return {
    log(at, event, fields = {}) {
      if (LEVELS.indexOf(at) < lowest) return;
      const nowMs = clock.monotonicMs();
      sumUp(nowMs);
      if (throttle.take(event, nowMs)) write(line(at, event, fields));
      watch(nowMs);
    },
    async flush() {
      sumUp(Infinity);
      const late = Promise.withResolvers<void>();
      const cancel = clock.setTimer(FLUSH_MS, late.resolve);
      await Promise.race([writer.flushed(), late.promise]);
      cancel();
    },
  };
}
