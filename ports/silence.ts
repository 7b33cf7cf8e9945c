/**
 * When the other end of a connection counts as gone: pure, looked at by a timer that may come late.
 *
 * @module
 */

/** Timers are not exact: what is nearly silent for so long counts. */
const NEARLY = 0.9;

/** What is to be done about another end. */
export type SilenceJudgement = "alive" | "ask" | "gone";

/** How long the other end has said nothing, and whether it was asked since. To be looked at twice in `maxMs`. */
export class Silence {
  readonly #maxMs: number;
  #heardMs: number;
  #isAsked = false;

  /** @param options `maxMs`: so long it may be silent, and half of that at least once it was asked. */
  constructor({ maxMs, nowMs }: { readonly maxMs: number; readonly nowMs: number }) {
    this.#maxMs = maxMs;
    this.#heardMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#isAsked = false;
  }

  /** Nobody is gone who was not asked: between two looks the silence can grow from too short for that to the whole. */
  look(nowMs: number): SilenceJudgement {
    const silentMs = nowMs - this.#heardMs;
    if (silentMs < this.#maxMs / 2 * NEARLY) return "alive";
    if (this.#isAsked && silentMs >= this.#maxMs * NEARLY) return "gone";
    this.#isAsked = true;
    return "ask";
  }
}
