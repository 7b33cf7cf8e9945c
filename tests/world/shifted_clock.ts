import type { Clock } from "../../ports/ports.ts";
import { systemClock } from "../../ports/system.ts";

/** The real clock, which a test can shift: wall clock and monotonic one apart; timers run in real time or faster. */
export class ShiftedClock implements Clock {
  wallMs = 0;
  spanMs = 0;
  /** What the delay of a timer is multiplied with. */
  timerScale = 1;

  nowMs(): number {
    return systemClock.nowMs() + this.wallMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.spanMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    return systemClock.setTimer(delayMs * this.timerScale, callback);
  }
}
