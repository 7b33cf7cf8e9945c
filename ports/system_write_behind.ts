/**
 * What was written to files and may not be on the disk: it is synced while more is written. So little is left for the
 * end of a file, and whoever syncs something small on the same disk never waits for much.
 *
 * @module
 */

const MIB = 2 ** 20;
/** From so many bytes on, over all files, the one with most of them is synced: in 5 to 20 ms on a disk of this day. */
const SYNC_BYTES = 8 * MIB;
/** Beyond so many nothing more is written before a sync has ended. */
const MAX_BYTES = 64 * MIB;

/** A file as far as it is synced while it grows. */
export interface Growing {
  /** Makes durable what was written before, beside what is written meanwhile. Its end says what failed. */
  syncBehind(): Promise<void>;
}

/** The files that grow in one process. */
export class WriteBehind {
  readonly #bytes = new Map<Growing, number>();
  #total = 0;
  #syncing: Promise<void> | null = null;

  /** Counts what was written. Resolves when more may be. */
  async wrote(file: Growing, bytes: number): Promise<void> {
    this.#add(file, bytes);
    if (this.#total >= SYNC_BYTES) this.#syncing ??= this.#sync();
    while (this.#total >= MAX_BYTES && this.#syncing !== null) await this.#syncing;
  }

  /** It was synced, or does not grow any more. */
  forget(file: Growing): void {
    this.#total -= this.#bytes.get(file) ?? 0;
    this.#bytes.delete(file);
  }

  #add(file: Growing, bytes: number): void {
    this.#bytes.set(file, (this.#bytes.get(file) ?? 0) + bytes);
    this.#total += bytes;
  }

  async #sync(): Promise<void> {
    const [file, bytes] = [...this.#bytes].reduce((a, b) => a[1] >= b[1] ? a : b);
    await file.syncBehind().catch(() => undefined);
    if (this.#bytes.has(file)) this.#add(file, -bytes);
    this.#syncing = this.#total >= SYNC_BYTES ? this.#sync() : null;
  }
}
