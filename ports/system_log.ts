import type { Clock, Log, LogFields, LogLevel } from "./ports.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

export interface LogOptions {
  readonly clock: Pick<Clock, "nowMs">;
  /** The lowest level that is written. */
  readonly level: LogLevel;
  /** JSON, one object a line, or a form for people. */
  readonly format: "json" | "text";
  /** Takes one line, its newline included. Standard error if left out. */
  readonly write?: (line: string) => void;
}

function writeToStderr(line: string): void {
  const bytes = new TextEncoder().encode(line);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch (error) {
    // Whoever read the log is gone; the service is not to end for that.
    if (!(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.WouldBlock)) {
      throw error;
    }
  }
}

/** Text with a space, a quote or anything invisible is quoted, so that no value forges a line. */
function formatValue(value: LogFields[string]): string {
  return typeof value === "string" && !/^[\w.:/@+-]+$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}

function formatText(time: string, level: LogLevel, event: string, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${formatValue(value)}`);
  return `${time} ${level.padEnd(5)} ${event}${pairs.join("")}\n`;
}

function formatJson(head: LogFields, fields: LogFields): string {
  return JSON.stringify({ ...head, ...fields, ...head }) + "\n";
}

/** Makes a log. Fields named like the line's own (`time`, `level`, `event`) give way in JSON. */
export function createLog({ clock, level, format, write = writeToStderr }: LogOptions): Log {
  const lowest = LEVELS.indexOf(level);
  return {
    log(at, event, fields = {}) {
      if (LEVELS.indexOf(at) < lowest) return;
      const time = new Date(clock.nowMs()).toISOString();
      write(
        format === "json"
          ? formatJson({ time, level: at, event }, fields)
          : formatText(time, at, event, fields),
      );
    },
  };
}
