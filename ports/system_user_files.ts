/**
 * Files and folders that a person names to a command.
 *
 * @module
 */

const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a file once, and never more of it than is taken.
 * @throws {RangeError} Where it is longer than `maxBytes`.
 */
export async function readUserFile(path: string, maxBytes: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = await file.read(chunk);
    if (count === null) break;
    length += count;
    if (length > maxBytes) throw new RangeError(`Expected at most ${maxBytes} bytes`);
    chunks.push(chunk.subarray(0, count));
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/**
 * Makes a folder with files in it; half of one does not stay.
 * @param files Their contents by their names.
 * @throws {Deno.errors.AlreadyExists} Where there is something of this name.
 */
export async function createUserFolder(
  path: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await Deno.mkdir(path);
  try {
    for (const [name, content] of Object.entries(files)) {
      await Deno.writeTextFile(`${path}/${name}`, content, { createNew: true });
    }
  } catch (error) {
    await Deno.remove(path, { recursive: true });
    throw error;
  }
}
