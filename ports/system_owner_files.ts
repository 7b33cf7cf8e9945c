import { statfs } from "node:fs";
import { promisify } from "node:util";
import { OpenRedError } from "../protocol/errors.ts";
import type {
  FolderListing,
  LandingFolder,
  OwnerFile,
  OwnerFiles,
  PartFile,
} from "./owner_files.ts";
import { type Growing, WriteBehind } from "./system_write_behind.ts";

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const MAX_DEPTH = 64;
/** What one call writes: a whole MiB costs eight times as much, in large pages that the system has to find. */
const WRITE_BYTES = 256 * 1024;

function refuse(text = "This is no ordinary file or folder, or it is behind a link"): never {
  throw new OpenRedError("forbidden", text);
}

/** What was written is not there any more, whoever did it. */
function changed(): never {
  throw new OpenRedError("internal", "Another program has changed what was fetched");
}

function isSameFile(one: Deno.FileInfo, other: Deno.FileInfo): boolean {
  return one.isFile && one.ino === other.ino && one.dev === other.dev;
}

/** A failure of the disk, in words that name no path. */
function diskError(cause: unknown): Error {
  if (cause instanceof OpenRedError || cause instanceof DOMException) return cause;
  const { code } = cause as { code?: unknown };
  const what = code === "ENOSPC" || code === "EDQUOT" ? "The disk is full" : "The disk failed";
  return new OpenRedError("overloaded", what, { cause });
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(error);
  }
}

async function inspect(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    return refuse();
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

function join(folder: string, path: string): string {
  return `${folder === "/" ? "" : folder}/${path}`;
}

function checkName(name: string): void {
  if (["", ".", ".."].includes(name) || /[/\\\0]/.test(name)) {
    throw new TypeError("Expected a single name");
  }
}

async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

/** Never before the epoch, and never the fraction that some disks keep. */
function wholeMs(modified: Date): number {
  return Math.max(0, Math.floor(modified.getTime()));
}

/** What files that grow share with each other in one process. */
class GrowingFiles {
  /** Parts that are open or being opened, by their paths. */
  readonly open = new Map<string, SystemFile | null>();
  readonly behind = new WriteBehind();
}

/** Where a file grows. */
interface GrowingPlace {
  readonly path: string;
  readonly among: GrowingFiles;
}

class SystemFile implements PartFile, Growing {
  readonly bytes: number;
  readonly modifiedMs?: number;
  readonly #file: Deno.FsFile;
  /** `null` for a file that is read. */
  readonly #place: GrowingPlace | null;
  /** The same file again: a sync of the one that is written to would hold up the writing. */
  #again: Promise<Deno.FsFile | null> | null = null;
  #isClosed = false;
  /** The position belongs to the file, so one call uses it at a time. */
  #last: Promise<unknown> = Promise.resolve();
  /** `null` where a call has failed. */
  #position: number | null = 0;
  /** It has been so long: only somebody else can have made it shorter. */
  #end: number;

  constructor(
    file: Deno.FsFile,
    { bytes, modified = null, place = null }: {
      readonly bytes: number;
      readonly modified?: Date | null;
      readonly place?: GrowingPlace | null;
    },
  ) {
    this.#file = file;
    this.bytes = bytes;
    if (modified !== null) this.modifiedMs = wholeMs(modified);
    this.#end = bytes;
    this.#place = place;
    place?.among.open.set(place.path, this);
  }

  read(
    at: number,
    length: number,
    into = new Uint8Array(length),
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(async () => {
      await this.#seek(at);
      const content = into.subarray(0, length);
      let end = 0;
      while (end < length) {
        const count = await this.#file.read(content.subarray(end));
        if (count === null || count === 0) break;
        end += count;
      }
      this.#position = at + end;
      return content.subarray(0, end);
    });
  }

  write(at: number, content: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      // Writing would make it as long again, and leave a hole.
      if (this.#end > 0) await this.#checkLength(this.#end);
      await this.#seek(at);
      for (let from = 0; from < content.length;) {
        from += await this.#file.write(content.subarray(from, from + WRITE_BYTES));
      }
      this.#position = at + content.length;
      this.#end = Math.max(this.#end, this.#position);
      await this.#place?.among.behind.wrote(this, content.length);
    });
  }

  /** @returns How long it is. */
  async #checkLength(atLeast: number): Promise<number> {
    const { size } = await this.#file.stat();
    return size >= atLeast ? size : changed();
  }

  /** Whether this file is what lies there, and not another one of that name. */
  async isAt(path: string): Promise<boolean> {
    const found = await inspect(path);
    return found !== null && isSameFile(found, await this.#file.stat());
  }

  async syncBehind(): Promise<void> {
    this.#again ??= this.#openAgain();
    await (await this.#again)?.syncData();
  }

  /** @returns `null` where it was closed meanwhile. */
  async #openAgain(): Promise<Deno.FsFile | null> {
    const { file } = await openSame(this.#place!.path, {
      seen: await this.#file.stat(),
      write: true,
    });
    if (!this.#isClosed) return file;
    file.close();
    return null;
  }

  /** A call of the system less for each small file, and for each chunk in order. */
  async #seek(at: number): Promise<void> {
    const isThere = this.#position === at;
    this.#position = null;
    if (!isThere) await this.#file.seek(at, Deno.SeekMode.Start);
  }

  finish(bytes: number, modifiedMs?: number): Promise<void> {
    return this.#inTurn(async () => {
      const end = await this.#checkLength(Math.max(this.#end, bytes));
      if (end !== bytes) await this.#file.truncate(bytes);
      this.#end = bytes;
      if (modifiedMs !== undefined) {
        const modified = new Date(modifiedMs);
        await this.#file.utime(modified, modified);
      }
      await this.#file.sync();
      this.#place?.among.behind.forget(this);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#file.close();
    this.#again?.then((again) => again?.close(), () => undefined);
    if (this.#place === null) return;
    this.#place.among.behind.forget(this);
    this.#place.among.open.delete(this.#place.path);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => onDisk(work));
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Makes a file of a name that nothing has, links included; `null` where something does. */
async function makeFile(path: string): Promise<Deno.FsFile | null> {
  try {
    return await Deno.open(path, { read: true, write: true, createNew: true, mode: FILE_MODE });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return null;
    throw error;
  }
}

/** Opens a file that was looked at before: what was opened is what was seen. */
async function openSame(
  path: string,
  { seen, write }: { readonly seen: Deno.FileInfo; readonly write: boolean },
): Promise<{ readonly file: Deno.FsFile; readonly info: Deno.FileInfo }> {
  // Opening what is no file could wait for ever: a pipe without a writer.
  if (!seen.isFile) refuse();
  const file = await onDisk(() => Deno.open(path, { read: true, write }));
  try {
    const info = await file.stat();
    if (!isSameFile(info, seen)) refuse();
    return { file, info };
  } catch (error) {
    file.close();
    throw diskError(error);
  }
}

async function openSeen(
  path: string,
  { seen, place = null }: {
    readonly seen: Deno.FileInfo;
    readonly place?: GrowingPlace | null;
  },
): Promise<SystemFile> {
  const { file, info } = await openSame(path, { seen, write: place !== null });
  return new SystemFile(file, { bytes: info.size, modified: info.mtime, place });
}

class SystemFolder implements LandingFolder {
  readonly path: string;
  readonly #growing: GrowingFiles;

  constructor(path: string, growing: GrowingFiles) {
    this.path = path;
    this.#growing = growing;
  }

  async names(): Promise<readonly string[]> {
    return await onDisk(async () => {
      const names: string[] = [];
      for await (const { name } of Deno.readDir(this.path)) names.push(name);
      return names;
    });
  }

  async openPart(part: string): Promise<PartFile> {
    const path = this.#pathOf(part);
    const { open } = this.#growing;
    if (open.has(path)) throw new OpenRedError("rate_limited", "The file is open already");
    open.set(path, null);
    try {
      return await this.#openPart({ path, among: this.#growing });
    } catch (error) {
      open.delete(path);
      throw error;
    }
  }

  async #openPart(place: GrowingPlace): Promise<PartFile> {
    const { path } = place;
    await this.#checkPlace();
    const made = await onDisk(() => makeFile(path));
    if (made !== null) return new SystemFile(made, { bytes: 0, place });
    const seen = await inspect(path);
    if (seen === null) refuse();
    return await openSeen(path, { seen, place });
  }

  async openLanded(name: string): Promise<OwnerFile | null> {
    const path = this.#pathOf(name);
    const seen = await inspect(path);
    return seen?.isFile === true ? await openSeen(path, { seen }) : null;
  }

  async land(part: string, name: string): Promise<boolean> {
    const from = this.#pathOf(part);
    const to = this.#pathOf(name);
    await this.#checkPlace();
    return await onDisk(async () => {
      if (!await this.#give(from, to)) return false;
      await syncFolder(this.path);
      return true;
    });
  }

  /** A second name, then the first one goes: a rename would replace what is there. */
  async #give(from: string, to: string): Promise<boolean> {
    const open = this.#growing.open.get(from) ?? null;
    try {
      await Deno.link(from, to);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      if (open !== null && !await open.isAt(from)) changed();
      if (error instanceof Deno.errors.NotFound) throw error;
      return await this.#reserve(from, to);
    }
    if (open !== null && !await open.isAt(to)) {
      await Deno.remove(to);
      changed();
    }
    await Deno.remove(from);
    return true;
  }

  /** Where the file system has no second names: an empty file holds the place. */
  async #reserve(from: string, to: string): Promise<boolean> {
    try {
      (await Deno.open(to, { write: true, createNew: true, mode: FILE_MODE })).close();
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
    await Deno.rename(from, to);
    return true;
  }

  async removePart(part: string): Promise<void> {
    await Deno.remove(this.#pathOf(part)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw diskError(error);
    });
  }

  async openFolder(name: string): Promise<LandingFolder> {
    const path = this.#pathOf(name);
    await this.#checkPlace();
    await onDisk(async () => {
      await Deno.mkdir(path, { mode: FOLDER_MODE }).catch((error) => {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      });
    });
    return await this.findFolder(name) ?? refuse("Something else has the name of a folder");
  }

  async findFolder(name: string): Promise<LandingFolder | null> {
    const path = this.#pathOf(name);
    const isFolder = (await inspect(path))?.isDirectory === true;
    return isFolder ? new SystemFolder(path, this.#growing) : null;
  }

  async landFolder(grown: string, name: string): Promise<boolean> {
    const from = this.#pathOf(grown);
    const to = this.#pathOf(name);
    await this.#checkPlace();
    return await onDisk(async () => {
      // An empty folder holds the place: only that, and no other thing, gives way to a folder.
      try {
        await Deno.mkdir(to, { mode: FOLDER_MODE });
      } catch (error) {
        if (error instanceof Deno.errors.AlreadyExists) return false;
        throw error;
      }
      try {
        await Deno.rename(from, to);
      } catch (error) {
        // Not what somebody has put into it meanwhile.
        await Deno.remove(to).catch(() => undefined);
        throw error;
      }
      await syncFolder(this.path);
      return true;
    });
  }

  async removeFolder(name: string): Promise<void> {
    const path = this.#pathOf(name);
    await this.#checkPlace();
    if ((await inspect(path))?.isDirectory !== true) return;
    await onDisk(() => Deno.remove(path, { recursive: true }));
  }

  async sync(): Promise<void> {
    await onDisk(() => syncFolder(this.path));
  }

  async freeBytes(): Promise<number | null> {
    try {
      const { bavail, bsize } = await promisify(statfs)(this.path);
      return bavail * bsize;
    } catch {
      return null;
    }
  }

  #pathOf(name: string): string {
    checkName(name);
    return join(this.path, name);
  }

  /** The folder is where it was, and no part of its path has become a link. */
  async #checkPlace(): Promise<void> {
    const path = await Deno.realPath(this.path).catch(() => null);
    if (path !== this.path) refuse("The folder is not there any more");
  }
}

/** Lists a folder that has no links in its path. @param hidden The node's data directory. */
async function listBelow(
  root: string,
  { hidden, maxEntries, signal }: {
    readonly hidden: string;
    readonly maxEntries: number;
    readonly signal?: AbortSignal;
  },
): Promise<FolderListing> {
  const entries: FolderListing["entries"][number][] = [];
  let leftOut = 0;
  const waiting = [""];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for await (const { name, isFile, isDirectory } of Deno.readDir(join(root, folder))) {
      signal?.throwIfAborted();
      const path = `${folder}${name}`;
      const seen = isFile || isDirectory ? await inspect(join(root, path)) : null;
      const isPlain = seen !== null && (seen.isFile || seen.isDirectory);
      if (!isPlain || join(root, path) === hidden) {
        leftOut += 1;
        continue;
      }
      if (entries.length >= maxEntries) tooMany(maxEntries);
      const modified = seen.isFile ? seen.mtime : null;
      const time = modified === null ? {} : { modifiedMs: wholeMs(modified) };
      entries.push({ path, bytes: seen.isFile ? seen.size : null, ...time });
      if (!seen.isDirectory) continue;
      if (path.split("/").length >= MAX_DEPTH) tooDeep();
      waiting.push(`${path}/`);
    }
  }
  return { entries, leftOut };
}

function tooMany(maxEntries: number): never {
  throw new OpenRedError("too_large", `Expected at most ${maxEntries} files and folders`);
}

function tooDeep(): never {
  throw new OpenRedError("too_large", `Expected folders at most ${MAX_DEPTH} deep`);
}

/** @param data The node's data directory, in which no such file lies. */
export function createOwnerFiles(data: string): OwnerFiles {
  const growing = new GrowingFiles();
  let realData: string | null = null;
  const resolve = async (path: string) => {
    const real = await Deno.realPath(path).catch((cause) => {
      throw new OpenRedError("not_found", "There is nothing at this path", { cause });
    });
    realData ??= await Deno.realPath(data);
    if (isWithin(real, realData)) {
      refuse("This lies in the node's data directory");
    }
    return real;
  };
  return {
    async openFile(path) {
      const real = await resolve(path);
      const seen = await inspect(real);
      if (seen === null) throw new OpenRedError("not_found", "There is nothing at this path");
      return await openSeen(real, { seen });
    },
    async openFolder(path) {
      const real = await resolve(path);
      if ((await inspect(real))?.isDirectory !== true) refuse("This is no folder");
      return new SystemFolder(real, growing);
    },
    async listFolder(path, options) {
      const root = await resolve(path);
      if ((await inspect(root))?.isDirectory !== true) return null;
      return await onDisk(() => listBelow(root, { hidden: realData!, ...options }));
    },
    async openInside(folder, path) {
      const expected = join(folder, path);
      if (await resolve(expected) !== expected) refuse();
      const seen = await inspect(expected);
      if (seen === null) throw new OpenRedError("not_found", "There is nothing at this path");
      return await openSeen(expected, { seen });
    },
  };
}
