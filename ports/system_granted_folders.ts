import { dirname } from "node:path";
import { OpenRedError } from "../protocol/errors.ts";
import type { FolderEntry, GrantedFolders, OpenFolder } from "./granted_folders.ts";

/** Of a file that was not there before. */
const FILE_MODE = 0o600;
const MODE_BITS = 0o777;

function refuseOwn(): never {
  throw new OpenRedError("forbidden", "This folder holds the node's data, or lies in them");
}

function refuse(): never {
  throw new OpenRedError("forbidden", "This is no file or folder, or it is behind a link");
}

async function inspect(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Error && "code" in error && error.code === "ENAMETOOLONG") {
      throw new OpenRedError("bad_request", "A name is longer than the folder's disk takes");
    }
    return refuse();
  }
}

/** What is the same for one folder under all its paths, or `null` where the system has no such thing. */
function identityOf({ dev, ino }: Deno.FileInfo): string | null {
  return ino === null || ino === 0 ? null : `${dev}:${ino}`;
}

/** The identities of a folder and of all those it lies in. @param path Without links. */
async function identitiesOf(path: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (let at = path;; at = dirname(at)) {
    const identity = identityOf(await Deno.stat(at));
    if (identity !== null) found.add(identity);
    if (at === dirname(at)) return found;
  }
}

/** Whether one path is another one, or below it. */
function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** Whoever may read or write a file may so when it was replaced. Windows has no modes. */
async function keepMode(path: string, { mode }: Deno.FileInfo): Promise<void> {
  if (mode !== null && Deno.build.os !== "windows") await Deno.chmod(path, mode & MODE_BITS);
}

class SystemFolder implements OpenFolder {
  /** Without links. */
  readonly #root: string;
  /** Of the data directory. */
  readonly #own: string | null;

  constructor(root: string, own: string | null) {
    this.#root = root;
    this.#own = own;
  }

  async list(path: readonly string[]): Promise<readonly FolderEntry[]> {
    const folder = await this.#folder(path);
    const found: FolderEntry[] = [];
    for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
      if (isFile || isDirectory) found.push({ name, isFolder: isDirectory });
    }
    return found.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async read(path: readonly string[], maxBytes: number): Promise<Uint8Array | null> {
    const folder = await this.#folder(path.slice(0, -1));
    const file = `${folder}/${path.at(-1)}`;
    const seen = await inspect(file);
    if (seen === null) return null;
    if (!seen.isFile) refuse();
    using opened = await Deno.open(file);
    // What was opened is what was looked at, and still stands where it did.
    const info = await opened.stat();
    if (info.ino !== seen.ino || info.dev !== seen.dev || !info.isFile) refuse();
    await this.#folder(path.slice(0, -1));
    if (info.size > maxBytes) {
      throw new OpenRedError("too_large", `The file is larger than ${maxBytes} bytes`);
    }
    const content = new Uint8Array(info.size);
    let at = 0;
    for (let read = 1; read > 0 && at < content.length; at += read) {
      read = await opened.read(content.subarray(at)) ?? 0;
    }
    return content.subarray(0, at);
  }

  async write(path: readonly string[], content: Uint8Array): Promise<void> {
    const folder = await this.#folder(path.slice(0, -1));
    const name = path.at(-1)!;
    const held = await inspect(`${folder}/${name}`);
    if (held !== null && !held.isFile) refuse();
    const temporary = `${folder}/.openred-${crypto.randomUUID()}`;
    try {
      await Deno.writeFile(temporary, content, { createNew: true, mode: FILE_MODE });
      if (held !== null) await keepMode(temporary, held);
      await this.#folder(path.slice(0, -1));
      await Deno.rename(temporary, `${folder}/${name}`);
    } catch (cause) {
      await Deno.remove(temporary).catch(() => undefined);
      if (cause instanceof OpenRedError) throw cause;
      throw new OpenRedError("overloaded", "The file could not be written", { cause });
    }
  }

  /** The path of a folder, none of whose parts is a link. */
  async #folder(path: readonly string[]): Promise<string> {
    let folder = this.#root;
    for (const name of path) {
      folder = `${folder}/${name}`;
      const seen = await inspect(folder);
      if (seen?.isDirectory !== true) refuse();
      // A mount shows the data directory under another path.
      if (this.#own !== null && identityOf(seen) === this.#own) refuseOwn();
    }
    if (await Deno.realPath(folder) !== folder) refuse();
    return folder;
  }
}

/** @param data The node's data directory, which no granted folder touches. */
export function createGrantedFolders(data: string): GrantedFolders {
  return {
    async open(path) {
      const root = await Deno.realPath(path).catch((cause) => {
        throw new OpenRedError("not_found", "The granted folder is not there", { cause });
      });
      if (!(await Deno.stat(root)).isDirectory) refuse();
      const own = await Deno.realPath(data);
      if (isWithin(own, root) || isWithin(root, own)) refuseOwn();
      const [ownIdentity, rootIdentity] = [await Deno.stat(own), await Deno.stat(root)].map(
        identityOf,
      );
      const [aboveOwn, aboveRoot] = [await identitiesOf(own), await identitiesOf(root)];
      if (aboveOwn.has(rootIdentity ?? "") || aboveRoot.has(ownIdentity ?? "")) refuseOwn();
      return new SystemFolder(root, ownIdentity ?? null);
    },
  };
}
