import type { FileInfo, Files } from "./ports.ts";
import {
  FILE_MODE,
  fileInDirectory,
  pathInDirectory,
  prepareDirectory,
} from "./system_data_directory.ts";

function ignoreNotFound(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}

/** Goes to the memory of the system, which takes microseconds; a thread of its own would cost more. */
function writeAll(file: Deno.FsFile, content: Uint8Array): void {
  for (let at = 0; at < content.length;) at += file.writeSync(content.subarray(at));
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const file = Deno.openSync(path, {
    create: true,
    write: true,
    truncate: true,
    mode: FILE_MODE,
  });
  try {
    writeAll(file, content);
    await file.sync();
  } finally {
    file.close();
  }
}

/** Makes the names in a folder durable, as `rename` alone does not. Windows opens no folders. */
async function syncDirectory(directory: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  const file = Deno.openSync(directory);
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/** @returns Whether the file was made. */
async function appendDurably(path: string, content: Uint8Array): Promise<boolean> {
  const file = Deno.openSync(path, { create: true, append: true, mode: FILE_MODE });
  try {
    const { size } = file.statSync();
    try {
      writeAll(file, content);
      await file.syncData();
    } catch (error) {
      await file.truncate(size).catch(() => {});
      throw error;
    }
    return size === 0;
  } finally {
    file.close();
  }
}

async function truncateDurably(path: string, bytes: number): Promise<void> {
  const file = await Deno.open(path, { write: true }).catch(ignoreNotFound);
  if (file === null) return;
  try {
    if ((await file.stat()).size <= bytes) return;
    await file.truncate(bytes);
    await file.sync();
  } finally {
    file.close();
  }
}

/** @returns Whether there was something to copy. */
async function copyDurably(path: string, newPath: string): Promise<boolean> {
  const source = await Deno.open(path).catch(ignoreNotFound);
  if (source === null) return false;
  await Deno.remove(newPath).catch(ignoreNotFound);
  const target = Deno.openSync(newPath, { createNew: true, write: true, mode: FILE_MODE });
  try {
    await source.readable.pipeTo(target.writable, { preventClose: true });
    await target.sync();
    return true;
  } finally {
    target.close();
  }
}

/** Files of one directory; writes and removals of a name follow each other in the order of calls. */
class DirectoryFiles implements Files {
  readonly #directory: string;
  readonly #last = new Map<string, Promise<void>>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async read(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const path = fileInDirectory(this.#directory, name);
    const content = await Deno.readFile(path).catch(ignoreNotFound);
    return content === null ? null : new Uint8Array(content);
  }

  async write(name: string, content: Uint8Array): Promise<void> {
    const path = fileInDirectory(this.#directory, name);
    const temporary = fileInDirectory(this.#directory, `.${name}.tmp`);
    const copy = content.slice();
    await this.#inOrder(name, async () => {
      await writeDurably(temporary, copy);
      // In this thread all else would wait for what the file system is writing, a tenth of a second at worst.
      await Deno.rename(temporary, path);
      await syncDirectory(this.#directory);
    });
  }

  async append(name: string, content: Uint8Array): Promise<void> {
    const path = fileInDirectory(this.#directory, name);
    const copy = content.slice();
    await this.#inOrder(name, async () => {
      if (await appendDurably(path, copy)) await syncDirectory(this.#directory);
    });
  }

  async truncate(name: string, bytes: number): Promise<void> {
    const path = fileInDirectory(this.#directory, name);
    await this.#inOrder(name, () => truncateDurably(path, bytes));
  }

  async list(prefix: string): Promise<readonly FileInfo[]> {
    const found: FileInfo[] = [];
    for await (const { name, isFile, isSymlink } of Deno.readDir(this.#directory)) {
      if ((!isFile && !isSymlink) || !name.startsWith(prefix)) continue;
      const info = await Deno.lstat(pathInDirectory(this.#directory, name)).catch(ignoreNotFound);
      if (info !== null) found.push({ name, bytes: info.size });
    }
    return found.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async remove(name: string): Promise<void> {
    const path = fileInDirectory(this.#directory, name);
    await this.#inOrder(name, async () => {
      await Deno.remove(path).catch(ignoreNotFound);
      await syncDirectory(this.#directory);
    });
  }

  async copy(name: string, newName: string): Promise<void> {
    const path = fileInDirectory(this.#directory, name);
    const newPath = fileInDirectory(this.#directory, newName);
    await this.#inOrder(name, () =>
      this.#inOrder(newName, async () => {
        if (await copyDurably(path, newPath)) await syncDirectory(this.#directory);
      }));
  }

  async rename(name: string, newName: string): Promise<void> {
    const path = fileInDirectory(this.#directory, name);
    const newPath = fileInDirectory(this.#directory, newName);
    await this.#inOrder(name, () =>
      this.#inOrder(newName, async () => {
        await Deno.rename(path, newPath).catch(ignoreNotFound);
        await syncDirectory(this.#directory);
      }));
  }

  async #inOrder(name: string, change: () => Promise<void>): Promise<void> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const done = before.then(change);
    const settled = done.catch(() => {});
    this.#last.set(name, settled);
    try {
      await done;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }
}

/**
 * The files of a data directory, which is made, of mode 0700, where there is none.
 * @throws {OpenRedError} `forbidden` for a folder that others use; from its calls, for a link.
 * @throws {TypeError} From its calls, on a name that could lead elsewhere.
 */
export function openFiles(directory: string): Files {
  prepareDirectory(directory);
  return new DirectoryFiles(directory);
}
