/**
 * What hands a page to the browser of this machine.
 *
 * @module
 */

/** A page that was handed over in a file. */
export interface ShownPage {
  readonly path: string;
  /** Whether a browser was started. */
  readonly isOpened: boolean;
  remove(): Promise<void>;
}

/**
 * Writes a page into a file of the data directory that only its owner can read, and starts the browser with it: what
 * the page holds stands on no command line.
 * @throws {CommandError} Where the file cannot be made.
 */
export type ShowPage = (data: string, html: string) => Promise<ShownPage>;
