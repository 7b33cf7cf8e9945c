/**
 * What a node is told at its next start.
 *
 * @module
 */

/** One setting, and where it comes from. */
export interface KeptSetting {
  readonly name: string;
  /** What a start as this one would read, as a text; `null` where nothing says it. */
  readonly value: string | null;
  /** What the file has. */
  readonly kept: string | null;
  readonly from: string;
  readonly default: string;
}

/** The settings beside a node's data, as its next start reads them. */
export interface KeptSettings {
  /** @throws {OpenRedError} `bad_request` where the file cannot be read. */
  read(): Promise<readonly KeptSetting[]>;
  /**
   * Keeps one setting, or none for `null`. Calls that meet run one after the other.
   * @throws {OpenRedError} `bad_request` for what a start would refuse; nothing was changed.
   */
  change(name: string, value: string | null): Promise<void>;
}
