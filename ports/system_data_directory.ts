/**
 * What files, databases and the lock of a data directory share.
 *
 * @module
 */

/** Mode of a data directory: its owner's alone. */
const DIRECTORY_MODE = 0o700;
/** Mode of every file in it. */
export const FILE_MODE = 0o600;

/**
 * The path of a name in a data directory.
 * @throws {TypeError} On a name that is empty or could lead elsewhere.
 */
export function pathInDirectory(directory: string, name: string): string {
  // deno-lint-ignore no-control-regex
  if (name === "" || name === "." || name === ".." || /[/\\:\x00]/.test(name)) {
    throw new TypeError(`Cannot use the name ${JSON.stringify(name)} in a data directory`);
  }
  return `${directory}/${name}`;
}

/** Whether a data directory is there and holds a file of that name. */
export function holdsFile(directory: string, name: string): boolean {
  try {
    return Deno.statSync(pathInDirectory(directory, name)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** Makes a data directory where there is none, and takes everybody else's access to it away. */
export function prepareDirectory(directory: string): void {
  Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  const { mode } = Deno.statSync(directory);
  if (Deno.build.os !== "windows" && ((mode ?? 0) & 0o077) !== 0) {
    Deno.chmodSync(directory, DIRECTORY_MODE);
  }
}

/**
 * Makes an empty file of mode 0600 where there is none. One that is there is not opened: closing it would give up the
 * locks that this process holds on it.
 */
export function createPrivateFile(path: string): void {
  try {
    Deno.openSync(path, { createNew: true, write: true, mode: FILE_MODE }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}
