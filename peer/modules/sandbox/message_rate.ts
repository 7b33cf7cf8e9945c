/**
 * How much a module may say in a second. Its texts cost the node's own thread time, so they are counted apart from
 * the bytes behind them.
 *
 * @module
 */
import type { Clock } from "../../../ports/ports.ts";

const SECOND_MS = 1_000;
const MAX_MESSAGES = 5_000;
const MAX_TEXT_BYTES = 4 * 2 ** 20;
const MAX_BYTES = 32 * 2 ** 20;

/** Counts the messages of one module in windows of a second. */
export class MessageRate {
  readonly #clock: Pick<Clock, "monotonicMs">;
  #startMs = -Infinity;
  #messages = 0;
  #textBytes = 0;
  #bytes = 0;
  /** Answers that the node asked for: how many there are is not the module's doing. */
  #awaited = 0;

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** Says that one message more will come, as the node asked for it. */
  expect(): void {
    this.#awaited += 1;
  }

  /** Whether the next message is one that the node asked for, as far as numbers tell. */
  get isAwaiting(): boolean {
    return this.#awaited > 0;
  }

  /**
   * Counts a message, whose text has not been read yet.
   * @param bytes As `packing.ts` has it. A length of the text that is wrong counts as said.
   * @returns Whether it is still within what a second may bring.
   */
  take(bytes: Uint8Array): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#startMs >= SECOND_MS) {
      this.#startMs = nowMs;
      this.#messages = this.#textBytes = this.#bytes = 0;
    }
    if (this.#awaited > 0) this.#awaited -= 1;
    else this.#messages += 1;
    this.#bytes += bytes.length;
    this.#textBytes += Math.min(textLength(bytes), bytes.length);
    return this.#messages <= MAX_MESSAGES && this.#textBytes <= MAX_TEXT_BYTES &&
      this.#bytes <= MAX_BYTES;
  }
}

function textLength(bytes: Uint8Array): number {
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
