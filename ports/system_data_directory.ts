/**
 * What files, databases and the lock of a data directory share.
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";
import { isProgramFile, MARKING_FILES } from "./data_names.ts";

/** Mode of a data directory: its owner's alone. */
const DIRECTORY_MODE = 0o700;
/** Mode of every file in it. */
export const FILE_MODE = 0o600;
/** What others than the owner may do. */
const OTHERS = 0o077;
/** The bit of folders in which everybody has files of their own, such as `/tmp`. */
const STICKY = 0o1000;

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

/**
 * The path of a file in a data directory, which is no link: one would be replaced when it is written, and what it led
 * to would stay behind.
 * @throws {TypeError} As {@linkcode pathInDirectory}.
 * @throws {OpenRedError} `forbidden` for a link.
 */
export function fileInDirectory(directory: string, name: string): string {
  const path = pathInDirectory(directory, name);
  if (inspect(path, Deno.lstatSync)?.isSymlink !== true) return path;
  throw new OpenRedError(
    "forbidden",
    `${name} in ${directory} is a link; put the file itself there`,
  );
}

function inspect(path: string, stat: (path: string) => Deno.FileInfo): Deno.FileInfo | null {
  try {
    return stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

/** Whether a data directory is there and holds a file of that name. */
export function holdsFile(directory: string, name: string): boolean {
  return inspect(pathInDirectory(directory, name), Deno.statSync)?.isFile ?? false;
}

/** Whether a file of a data directory has another name as well, under which its content would outlive a new one. */
export function hasOtherNames(directory: string, name: string): boolean {
  return (inspect(pathInDirectory(directory, name), Deno.lstatSync)?.nlink ?? 1) > 1;
}

/**
 * Makes a data directory, of mode 0700, where there is none. Access of others is taken away from one that holds files
 * of these programs; one that is empty is left as it is until it does.
 * @throws {OpenRedError} `forbidden` for a folder that others use, or could change.
 */
export function prepareDirectory(directory: string): void {
  if (inspect(directory, Deno.lstatSync) === null) {
    Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  }
  const mode = modeOf(directory);
  if ((mode & (OTHERS | STICKY)) === 0) return;
  if ((mode & STICKY) !== 0) throw foreign(directory, "everybody keeps files there");
  if (holdsProgram(directory)) return closeDirectory(directory);
  for (const { name } of Deno.readDirSync(directory)) {
    if (!isProgramFile(name)) {
      throw foreign(directory, "it has files of others, and others may look into it");
    }
  }
  setMode(directory, mode);
}

/** Takes everybody else's access to a data directory away. */
export function closeDirectory(directory: string): void {
  const mode = modeOf(directory);
  if ((mode & OTHERS) !== 0) setMode(directory, DIRECTORY_MODE);
}

/** @returns 0 where the system has no modes. */
function modeOf(directory: string): number {
  const info = inspect(directory, Deno.statSync);
  if (info === null) {
    throw new OpenRedError("not_found", `${directory} is a link that leads nowhere`);
  }
  if (!info.isDirectory) throw new OpenRedError("bad_request", `${directory} is no directory`);
  return Deno.build.os === "windows" ? 0 : info.mode ?? 0;
}

/** Setting the mode that is there already only shows whether this user may set one. */
function setMode(directory: string, mode: number): void {
  try {
    Deno.chmodSync(directory, mode & 0o7777);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw foreign(directory, "it belongs to another user, and others may look into it");
  }
}

function foreign(directory: string, why: string): OpenRedError {
  return new OpenRedError(
    "forbidden",
    `${directory} is no data directory: ${why}; name one of this program's own`,
  );
}

/** A file that others have put there, where they may, is none of the owner's. */
function holdsProgram(directory: string): boolean {
  const owner = Deno.statSync(directory).uid;
  return MARKING_FILES.some((name) => {
    const file = inspect(pathInDirectory(directory, name), Deno.lstatSync);
    return file !== null && file.isFile && file.uid === owner;
  });
}

/**
 * Takes everybody else's access to the files of these programs away, as a copy or an earlier version may have left it.
 * @throws {OpenRedError} `forbidden` where one of them is a link.
 */
export function closeFiles(directory: string): void {
  const isOurs = holdsProgram(directory);
  for (const { name } of Deno.readDirSync(directory)) {
    if (!isProgramFile(name)) continue;
    const path = fileInDirectory(directory, name);
    const file = inspect(path, Deno.lstatSync);
    if (!isOurs || file === null || !file.isFile || Deno.build.os === "windows") continue;
    if (((file.mode ?? 0) & OTHERS) !== 0) Deno.chmodSync(path, FILE_MODE);
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
