/**
 * A log in a file of its own, that others may move away: it is opened again when it is told to, or could not be written.
 *
 * @module
 */
import type { LineStream } from "./line_writer.ts";

/** How long after a failure nothing is tried. */
const RETRY_MS = 1_000;

/** A file that lines are added to. */
export class LogFile implements LineStream {
  readonly #path: string;
  #file: Deno.FsFile | null = null;
  #failedMs = -Infinity;
  /** Whether the name may lead to another file by now. */
  #isStale = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Opens it, so that a path that cannot be written is found at the start. @throws The system's error. */
  async open(): Promise<void> {
    this.#file = await openToAppend(this.#path);
  }

  /** Has the next line go to whatever has the name then. */
  reopen(): void {
    this.#isStale = true;
    this.#failedMs = -Infinity;
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (performance.now() - this.#failedMs < RETRY_MS) throw new Error("The log is not writable");
    try {
      return await (await this.#current()).write(bytes);
    } catch (error) {
      this.#failedMs = performance.now();
      this.#isStale = true;
      throw error;
    }
  }

  async #current(): Promise<Deno.FsFile> {
    if (this.#file !== null && !this.#isStale) return this.#file;
    // The former one stays until there is another: a folder that is gone loses no line.
    const next = await openToAppend(this.#path);
    this.#file?.close();
    this.#isStale = false;
    return this.#file = next;
  }
}

async function openToAppend(path: string): Promise<Deno.FsFile> {
  return await Deno.open(path, { append: true, create: true, mode: 0o600 });
}
