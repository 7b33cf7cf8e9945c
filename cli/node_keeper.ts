/**
 * What commands do with the data directory of a node, passed in by the composition root.
 *
 * @module
 */

/** Shows a new recovery phrase of 32 bytes, and whom it belongs to. What it belongs to is stored after that. */
export type ShowPhrase = (shown: { id: string; phrase: Uint8Array }) => Promise<void>;

interface KeyOptions {
  readonly data: string;
  /** Asked where the node's keys are under a passphrase; wiped. */
  readonly askPassphrase: () => Promise<Uint8Array>;
  readonly show: ShowPhrase;
}

/** All of it throws an error whose message says what to do, and then has changed nothing. */
export interface NodeKeeper {
  /** Makes a node, or the recovery phrase of one. @returns Its id. */
  init(options: KeyOptions): Promise<string>;
  /** Makes the identity that follows. @returns The new id. */
  succeed(options: KeyOptions & { phrase: Uint8Array; from: string | null }): Promise<string>;
  /** The bytes of a backup, or `null` while the node runs: then it makes them itself. The passphrase is wiped. */
  backUp(
    options: { data: string; passphrase: Uint8Array },
  ): Promise<AsyncIterable<Uint8Array> | null>;
  /** Restores a backup into a directory that is empty or not there. The passphrase is wiped. */
  restore(
    options: { file: string; data: string; passphrase: Uint8Array },
  ): Promise<{ id: string | null; createdAt: number }>;
}
