/**
 * What happened in a run, in order: a hash over all of it, and the last lines for people.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { EventLoop } from "./event_loop.ts";

const KEPT_LINES = 300;

function formatTime(ms: number): string {
  const seconds = ms / 1000;
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(3).padStart(6, "0");
  return `${String(minutes).padStart(4)}:${rest}`;
}

export class Trace {
  readonly #loop: EventLoop;
  readonly #hash = createHash("sha256");
  readonly #kept: string[] = [];
  readonly #sink: ((line: string) => void) | null;

  /** @param sink Gets every line at once (`--verbose`). */
  constructor(loop: EventLoop, sink: ((line: string) => void) | null = null) {
    this.#loop = loop;
    this.#sink = sink;
  }

  /** Adds an event to the hash and to the readable lines. */
  add(who: string, what: string): void {
    const line = `${formatTime(this.#loop.nowMs)}  ${who.padEnd(12)} ${what}`;
    this.#hash.update(line + "\n");
    this.#kept.push(line);
    if (this.#kept.length > 2 * KEPT_LINES) this.#kept.splice(0, KEPT_LINES);
    this.#sink?.(line);
  }

  /** SHA-256, hex, of everything so far. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  lastLines(): readonly string[] {
    return this.#kept.slice(-KEPT_LINES);
  }
}
