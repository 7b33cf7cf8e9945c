/**
 * A small tmpfs for one data directory. Takes root on Linux.
 *
 * @module
 */

const FILLER = "filler";
const BLOCK_BYTES = 4_096;

function mount(...args: readonly string[]): boolean {
  return new Deno.Command("mount", { args: [...args], stdout: "null", stderr: "null" })
    .outputSync().success;
}

export class SmallDisk implements Disposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Whether this machine lets us: some containers do not, whoever asks. */
  static canMount(): boolean {
    const path = Deno.makeTempDirSync({ prefix: "openred-" });
    try {
      using _ = SmallDisk.mount({ path, sizeMiB: 1 });
      return true;
    } catch {
      return false;
    } finally {
      Deno.removeSync(path);
    }
  }

  /** @throws {Error} Where that is not allowed. */
  static mount(options: { readonly path: string; readonly sizeMiB: number }): SmallDisk {
    const { path, sizeMiB } = options;
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    const size = `size=${sizeMiB}m,mode=0700`;
    if (!mount("-t", "tmpfs", "-o", size, "openred-crash", path)) {
      throw new Error(`Cannot mount a tmpfs at ${path}`);
    }
    return new SmallDisk(path);
  }

  /** Leaves no room for another byte. */
  fill(): void {
    using file = Deno.openSync(`${this.#path}/${FILLER}`, { append: true, create: true });
    const block = new Uint8Array(BLOCK_BYTES);
    try {
      while (file.writeSync(block) > 0);
    } catch (error) {
      // Deno has no class of its own for it.
      if (!String(error).includes("No space left")) throw error;
    }
  }

  free(): void {
    Deno.removeSync(`${this.#path}/${FILLER}`);
  }

  /** While no process has a file open there for writing. */
  makeReadOnly(): void {
    if (!mount("-o", "remount,ro", this.#path)) throw new Error(`${this.#path} is in use`);
  }

  makeWritable(): void {
    if (!mount("-o", "remount,rw", this.#path)) throw new Error("Cannot make the disk writable");
  }

  /** Takes the disk away, from running processes as well. */
  [Symbol.dispose](): void {
    new Deno.Command("umount", { args: ["-l", this.#path], stderr: "null" }).outputSync();
  }
}
