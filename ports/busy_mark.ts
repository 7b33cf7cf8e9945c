/**
 * Which module from a file was busy last: a name that outlives a process that is killed, so that whoever let it die
 * does not let the next one die as well.
 *
 * @module
 */

export interface BusyMark {
  /**
   * What a process left that did not end in order; the mark is empty afterwards.
   * @returns `null` where it ended in order, or no module was ever busy in it.
   */
  take(): string | null;
  /** Notes who is busy now. Cheap enough for every message, and never throws: who cannot be noted goes unnoted. */
  set(name: string): void;
  /** The process ends in order: nobody is to blame. */
  clear(): void;
}
