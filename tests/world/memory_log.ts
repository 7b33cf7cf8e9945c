import type { Log, LogFields, LogLevel } from "../../ports/ports.ts";

/** Keeps what a program logs. */
export class MemoryLog implements Log {
  readonly entries: {
    readonly level: LogLevel;
    readonly event: string;
    readonly fields: LogFields;
  }[] = [];

  log(level: LogLevel, event: string, fields: LogFields = {}): void {
    this.entries.push({ level, event, fields });
  }

  /** How often something was audited. */
  audited(event: string): number {
    return this.entries.filter((entry) => entry.event === event && entry.fields.audit === true)
      .length;
  }

  /** What was logged as an error, each as one line. */
  get errors(): readonly string[] {
    return this.entries.filter(({ level }) => level === "error")
      .map(({ event, fields }) => `${event} ${JSON.stringify(fields)}`);
  }
}
