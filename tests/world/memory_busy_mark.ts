import type { BusyMark } from "../../ports/busy_mark.ts";

/** A mark that a test reads, and hands on to the process that comes after one that it lets die. */
export class MemoryBusyMark implements BusyMark {
  name: string | null = null;

  take(): string | null {
    const { name } = this;
    this.name = null;
    return name;
  }

  set(name: string): void {
    this.name = name;
  }

  clear(): void {
    this.name = null;
  }
}
