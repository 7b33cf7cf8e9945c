/**
 * Writing lines to a stream that may be full, slow or gone: nobody waits for it and nobody fails with it.
 *
 * @module
 */

const MAX_WAITING_BYTES = 2 ** 20;
const BATCH_BYTES = 64 * 1024;
const NEWLINE = 10;

export interface LineStream {
  /** Writes some of it. @returns How many bytes. */
  write(bytes: Uint8Array): Promise<number>;
}

export interface LineWriterOptions {
  readonly stream: LineStream;
  /** The line that says how many lines were lost. */
  readonly lost: (count: number) => string;
}

/** Writes lines in their order, and drops those that find no room or no reader. */
export class LineWriter {
  readonly #options: LineWriterOptions;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #lost = 0;
  /** Whether the stream ends within a line. */
  #isTorn = false;
  #running: Promise<void> | null = null;

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** Lines that were dropped and not reported yet. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    const bytes = new TextEncoder().encode(line);
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing waits any more; a stream that takes nothing keeps it waiting for ever. */
  async flushed(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { bytes, lines } = this.#takeBatch();
      const reported = this.#lost;
      const notice = reported > 0 ? this.#options.lost(reported) : "";
      const before = new TextEncoder().encode((this.#isTorn ? "\n" : "") + notice);
      try {
        await this.#writeAll(before);
        this.#lost -= reported;
        await this.#writeAll(bytes);
      } catch {
        // Whatever the reason, a log that cannot be written is no reason to end.
        this.#lost += lines;
      }
      this.#waitingBytes -= bytes.length;
    }
    // In the turn of the last look: a line that comes later begins anew.
    this.#running = null;
  }

  #takeBatch(): { bytes: Uint8Array; lines: number } {
    let lines = 0;
    let length = 0;
    for (const line of this.#waiting) {
      if (lines > 0 && length + line.length > BATCH_BYTES) break;
      lines += 1;
      length += line.length;
    }
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const line of this.#waiting.splice(0, lines)) {
      bytes.set(line, at);
      at += line.length;
    }
    return { bytes, lines };
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#options.stream.write(bytes.subarray(at));
      if (at > 0) this.#isTorn = bytes[at - 1] !== NEWLINE;
    }
  }
}
