/**
 * Whether the wall clock can be believed: it jumps when somebody sets it, and may be set wrong for a while.
 *
 * @module
 */
import type { Clock } from "./ports.ts";

/** How far wall and monotonic clock may drift apart before it counts as a jump. */
const JUMP_MS = 60_000;
/** For how long both have to keep step before the wall clock alone may cost anything that does not come back. */
const STEADY_MS = 6 * 3_600_000;

/** Sets a wall clock against the monotonic one. */
export class ClockWatch {
  readonly #clock: Clock;
  #offsetMs: number;
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = this.#offset();
    this.#sinceMs = clock.monotonicMs();
  }

  /** Whether the wall clock has neither jumped for six hours, nor was the program started in them. */
  get isSteady(): boolean {
    return !this.#hasJumped() && this.#clock.monotonicMs() - this.#sinceMs >= STEADY_MS;
  }

  /** Takes the clocks as they are now. @returns Whether the wall clock has jumped since the last time. */
  note(): boolean {
    if (!this.#hasJumped()) return false;
    this.#offsetMs = this.#offset();
    this.#sinceMs = this.#clock.monotonicMs();
    return true;
  }

  #hasJumped(): boolean {
    return Math.abs(this.#offset() - this.#offsetMs) >= JUMP_MS;
  }

  #offset(): number {
    return this.#clock.nowMs() - this.#clock.monotonicMs();
  }
}
