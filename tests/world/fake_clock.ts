import { ManualClock } from "./manual_clock.ts";

/** A clock that jumps: what falls due fires at once, and nothing that it sets off is waited for. */
export class FakeClock extends ManualClock {
  /** Lets time pass, firing what falls due. */
  advance(spanMs: number): void {
    this.elapsedMs += spanMs;
    for (const timer of [...this.timers]) {
      if (timer.dueMs > this.elapsedMs) continue;
      this.timers.delete(timer);
      timer.callback();
    }
  }
}
