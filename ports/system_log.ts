/**
 * The real log: to standard error, without ever waiting for whoever reads it.
 *
 * @module
 */
import { type LineStream, LineWriter } from "./line_writer.ts";
import { formatLine, type LogFormat } from "./log_lines.ts";
import { LogThrottle } from "./log_throttle.ts";
import {
  type Clock,
  type Log,
  LOG_LEVELS,
  type LogFields,
  type LogLevel,
  type LogSwitch,
} from "./ports.ts";

/** How long the end of a program waits for its last lines. */
const FLUSH_MS = 500;

export interface LogOptions {
  readonly clock: Clock;
  /** The lowest level that is written, until another one is set. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Standard error if left out. */
  readonly stream?: LineStream;
  /** Takes one line, its newline included, instead of a stream. */
  readonly write?: (line: string) => void;
}

export interface SystemLog extends Log, LogSwitch {
  /** Says what was left out, and waits a moment until all of it is written. For the end of a program. */
  flush(): Promise<void>;
}

/** Writes lines, and of each event not more than a minute's share. */
class ThrottledLog implements SystemLog {
  level: LogLevel;
  readonly #options: LogOptions;
  readonly #throttle = new LogThrottle();
  readonly #writer: LineWriter;
  #cancelTimer: (() => void) | null = null;

  constructor(options: LogOptions) {
    this.#options = options;
    this.level = options.level;
    this.#writer = new LineWriter({
      stream: options.stream ?? Deno.stderr,
      lost: (count) => this.#format("warn", "log_lines_lost", { count }),
    });
  }

  log(level: LogLevel, event: string, fields: LogFields = {}): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.level)) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#sumUp(nowMs);
    if (this.#throttle.take(event, nowMs)) this.#write(this.#format(level, event, fields));
    const { dueMs } = this.#throttle;
    if (dueMs === null) return;
    this.#cancelTimer ??= this.#options.clock.setTimer(dueMs - nowMs, () => this.#sumUp(dueMs));
  }

  async flush(): Promise<void> {
    this.#sumUp(Infinity);
    const late = Promise.withResolvers<void>();
    const cancel = this.#options.clock.setTimer(FLUSH_MS, late.resolve);
    await Promise.race([this.#writer.flushed(), late.promise]);
    cancel();
  }

  #sumUp(nowMs: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    for (const { event, count } of this.#throttle.sumUp(nowMs)) {
      this.#write(this.#format("warn", "lines_left_out", { of: event, count }));
    }
  }

  #format(level: LogLevel, event: string, fields: LogFields): string {
    const { clock, format } = this.#options;
    return formatLine(format, {
      time: new Date(clock.nowMs()).toISOString(),
      level,
      event,
      fields,
    });
  }

  #write(line: string): void {
    if (this.#options.write === undefined) this.#writer.write(line);
    else this.#options.write(line);
  }
}

/** Makes a log. Of one event it writes 60 lines a minute, and then how many more there were (`lines_left_out`). */
export function createLog(options: LogOptions): SystemLog {
  return new ThrottledLog(options);
}
