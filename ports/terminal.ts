/**
 * A person's terminal, as a program has it that draws on it and reads each key.
 *
 * @module
 */

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal whose keys come as they are typed, without echo. */
export interface Terminal {
  size(): TerminalSize;
  /** Calls back whenever the size has changed. */
  onResize(listener: () => void): void;
  /** What was typed next; `null` once nothing more comes. */
  read(): Promise<Uint8Array | null>;
  write(text: string): Promise<void>;
  /** Gives the terminal back as it was. */
  close(): void;
}
