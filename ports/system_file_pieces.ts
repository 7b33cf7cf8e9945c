/**
 * Reads a file piece by piece, for composition roots.
 *
 * @module
 */
import { LOCK_FILES } from "./system_lock.ts";

const PIECE_BYTES = 256 * 1024;

/**
 * The pieces of a file from its beginning.
 * @throws {Deno.errors.NotFound} And other errors of the system, with the first piece.
 */
export async function* readFilePieces(path: string): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  for (;;) {
    const piece = new Uint8Array(PIECE_BYTES);
    const length = await file.read(piece);
    if (length === null) return;
    yield piece.subarray(0, length);
  }
}

/** Whether a directory is not there, or holds nothing but what its lock left. */
export async function isEmptyDirectory(path: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(path)) {
      if (!LOCK_FILES.includes(name)) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** The names in a directory, folders with a slash behind. */
export async function listDirectory(path: string): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    names.push(isDirectory ? `${name}/` : name);
  }
  return names.sort();
}

/** Whether a file that is to be made would lie in a directory, or in a folder of it. */
export async function isInside(file: string, directory: string): Promise<boolean> {
  const folder = file.replace(/[^/\\]*$/, "") || ".";
  const [inner, outer] = await Promise.all([realPath(folder), realPath(directory)]);
  if (inner === null || outer === null) return false;
  return inner === outer || inner.startsWith(`${outer}/`) || inner.startsWith(`${outer}\\`);
}

async function realPath(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
