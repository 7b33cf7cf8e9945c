/**
 * Reads a file piece by piece, for composition roots.
 *
 * @module
 */
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

/** Whether a directory is not there, or holds nothing. */
export async function isEmptyDirectory(path: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(path)) return false;
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}
