import type { BusyMark } from "./busy_mark.ts";
import { BUSY_FILE } from "./data_names.ts";
import { FILE_MODE, fileInDirectory } from "./system_data_directory.ts";

/** A name is overwritten in place, and fills up with spaces: the longest has 32 letters. */
const MARK_LENGTH = 32;
const NAME = /^[a-z][a-z0-9_]{2,31}$/;

/**
 * The mark is written without fsync: what a process has written is there when it is killed, and what a machine without
 * power forgets is no module's doing.
 */
class SystemBusyMark implements BusyMark {
  readonly #directory: string;
  readonly #encoder = new TextEncoder();
  #file: Deno.FsFile | null = null;
  #name = "";

  constructor(directory: string) {
    this.#directory = directory;
  }

  take(): string | null {
    try {
      const name = Deno.readTextFileSync(fileInDirectory(this.#directory, BUSY_FILE)).trim();
      this.clear();
      return NAME.test(name) ? name : null;
    } catch {
      return null;
    }
  }

  set(name: string): void {
    if (name === this.#name) return;
    this.#name = name;
    try {
      this.#file ??= Deno.openSync(fileInDirectory(this.#directory, BUSY_FILE), {
        create: true,
        write: true,
        mode: FILE_MODE,
      });
      this.#file.seekSync(0, Deno.SeekMode.Start);
      this.#file.writeSync(this.#encoder.encode(name.padEnd(MARK_LENGTH)));
    } catch {
      // A disk that takes nothing has its own warnings.
    }
  }

  clear(): void {
    this.#name = "";
    this.#file?.close();
    this.#file = null;
    try {
      Deno.removeSync(fileInDirectory(this.#directory, BUSY_FILE));
    } catch {
      // It was not there.
    }
  }
}

/** @param directory The data directory, which the process has locked. */
export function openBusyMark(directory: string): BusyMark {
  return new SystemBusyMark(directory);
}
