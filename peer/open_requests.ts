/**
 * The requests that a node is answering, so that its parts end behind them and not under them.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { problemResponse } from "../protocol/http.ts";

const RETRY_MS = 1_000;
/** How long what is under way may go on once a node stops. */
const LAST_ANSWERS_MS = 1_000;

/** The requests of one node, until it stops. */
export class OpenRequests {
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #underWay = new Set<Promise<Response>>();
  #isStopping = false;

  constructor(clock: Pick<Clock, "setTimer">) {
    this.#clock = clock;
  }

  /** Answers one request, or says that it comes too late. @param answer Never rejects. */
  async take(answer: () => Promise<Response>): Promise<Response> {
    if (this.#isStopping) {
      return problemResponse(
        new OpenRedError("overloaded", "The node is stopping", { retryAfterMs: RETRY_MS }),
      );
    }
    const answered = answer();
    this.#underWay.add(answered);
    try {
      return await answered;
    } finally {
      this.#underWay.delete(answered);
    }
  }

  /** Takes nothing more. @returns A promise of the end of what is under way, or of the time that it has. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.setTimer(LAST_ANSWERS_MS, resolve);
    await Promise.race([Promise.all(this.#underWay), late]);
    cancel();
  }
}
