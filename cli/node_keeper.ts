/**
 * What commands do with the data directory of a node, passed in by the composition root.
 *
 * @module
 */
import type { Check } from "../protocol/doctor.ts";

/** Shows a new recovery phrase of 32 bytes, and whom it belongs to. What it belongs to is stored after that. */
export type ShowPhrase = (shown: { id: string; phrase: Uint8Array }) => Promise<void>;

/** What becomes of the passphrase of a data directory. The passphrases are wiped. */
export type PassphraseChange =
  | { readonly kind: "set"; readonly passphrase: Uint8Array }
  | { readonly kind: "change"; readonly passphrase: Uint8Array; readonly newPassphrase: Uint8Array }
  | { readonly kind: "remove"; readonly passphrase: Uint8Array };

export interface KeyOptions {
  readonly data: string;
  /** Asked where the node's keys are under a passphrase, again where it is wrong; wiped. */
  readonly askPassphrase: (isAgain?: boolean) => Promise<Uint8Array>;
  /** How often it may be asked; once unless given. */
  readonly tries?: number;
  /** Asked for what the keys of a node that is made are to be under; wiped. `null`: they are to be under none. */
  readonly askNewPassphrase: (() => Promise<Uint8Array>) | null;
  readonly show: ShowPhrase;
}

/** A backup that is about to be made. */
export interface BegunBackup {
  /** Its bytes, or `null` while the node runs: then it makes them itself. */
  readonly pieces: AsyncIterable<Uint8Array> | null;
  /** What is in the data directory but not the node's, and so not in the backup. */
  readonly leftOut: readonly string[];
}

/**
 * All of it throws an error whose message says what to do. It has changed nothing then, but for `succeed` on a disk
 * that was full after the new identity was made: the next start finishes that.
 */
export interface NodeKeeper {
  /** Makes a node, or the recovery phrase of one; that holds once this has resolved. @returns Its id. */
  init(options: KeyOptions): Promise<string>;
  /** Makes the identity that follows. @returns The new id. */
  succeed(options: KeyOptions & { phrase: Uint8Array; from: string | null }): Promise<string>;
  /** Gives a node a new noise key, atomically. @returns Its id. */
  renewNoiseKey(options: Pick<KeyOptions, "data" | "askPassphrase" | "tries">): Promise<string>;
  /**
   * Changes how the keys are sealed.
   * @param read Asked for the passphrases once it is sure that the keys are there and that no node uses them.
   * @param tries How often it may be asked where one is wrong; once unless given.
   */
  changePassphrase(
    data: string,
    read: (isAgain: boolean) => Promise<PassphraseChange>,
    tries?: number,
  ): Promise<void>;
  /** Begins a backup that is to be written to `file`, or to none in particular. The passphrase is wiped. */
  backUp(
    options: { data: string; file: string | null; passphrase: Uint8Array },
  ): Promise<BegunBackup>;
  /** Looks at a data directory and at the runtime, of a node that runs or not. Never throws. */
  examine(data: string): Promise<readonly Check[]>;
  /** Restores a backup into a directory that is empty or not there. The passphrase is wiped. */
  restore(
    options: { file: string; data: string; passphrase: Uint8Array },
  ): Promise<{ id: string | null; createdAt: number }>;
}
