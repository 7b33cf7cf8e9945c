/**
 * The files of a machine's owner, which its node sends and receives. They outlive its processes; a process that dies
 * leaves of what it has written since the last sync each write or not.
 *
 * @module
 */
import type { LandingFolder, OwnerFile, OwnerFiles, PartFile } from "../../ports/owner_files.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { SeededRandom } from "../world/seeded_random.ts";
import type { EventLoop } from "./event_loop.ts";
import type { VirtualProcess } from "./virtual_process.ts";

/** Where files land, on every machine: the one folder that can be opened. */
export const LANDING = "/in";
const MOST_CALL_MS = 10;

interface Write {
  readonly at: number;
  readonly content: Uint8Array;
}

type Bytes = Uint8Array<ArrayBuffer>;

function withWrite(bytes: Bytes, { at, content }: Write): Bytes {
  const whole = new Uint8Array(Math.max(bytes.length, at + content.length));
  whole.set(bytes);
  whole.set(content, at);
  return whole;
}

/** A file, and what of it a crash cannot take. */
class StoredFile {
  now: Bytes;
  #durable: Bytes;
  #writes: Write[] = [];

  constructor(content: Bytes) {
    this.now = content;
    this.#durable = content;
  }

  write(write: Write): void {
    this.#writes.push(write);
    this.now = withWrite(this.now, write);
  }

  sync(bytes: number): void {
    this.now = this.now.slice(0, bytes);
    this.#durable = this.now;
    this.#writes = [];
  }

  settleCrash(random: SeededRandom): void {
    const kept = this.#writes.filter(() => random.chance(0.5));
    this.now = kept.reduce(withWrite, this.#durable);
    this.#durable = this.now;
    this.#writes = [];
  }
}

export class VirtualOwnerDisk {
  readonly #loop: EventLoop;
  readonly #random: SeededRandom;
  readonly #files = new Map<string, StoredFile>();
  /** Takes nothing more. */
  isFull = false;

  constructor(loop: EventLoop, random: SeededRandom) {
    this.#loop = loop;
    this.#random = random;
  }

  /** The owner writes a file. */
  put(path: string, content: Bytes): void {
    this.#files.set(path, new StoredFile(content));
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()];
  }

  peek(path: string): Uint8Array | null {
    return this.#files.get(path)?.now ?? null;
  }

  settleCrash(): void {
    for (const file of this.#files.values()) file.settleCrash(this.#random);
  }

  /** The disk as one process sees it. */
  filesFor(process: VirtualProcess): OwnerFiles {
    const call = async <T>(work: () => T): Promise<T> => {
      await this.#loop.sleep(this.#random.between(0, MOST_CALL_MS));
      return process.isAlive ? work() : await new Promise<never>(() => {});
    };
    const open = new Set<string>();
    return {
      openFile: (path) =>
        call(() => {
          const file = this.#files.get(path);
          if (file === undefined) throw new OpenRedError("not_found", "There is nothing");
          return opened(file, call);
        }),
      openFolder: (path) =>
        call(() => {
          if (path !== LANDING) throw new OpenRedError("forbidden", "This is no folder");
          return this.#folder(path, { call, open });
        }),
      listFolder: () => call(() => null),
      openInside: () => call(noFolders),
    };
  }

  #folder(path: string, { call, open }: Process): LandingFolder {
    const pathOf = (name: string) => `${path}/${name}`;
    const names = () =>
      this.paths.filter((other) => other.startsWith(`${path}/`))
        .map((other) => other.slice(path.length + 1));
    return {
      path,
      names: () => call(names),
      openPart: (part) =>
        call(() => {
          const at = pathOf(part);
          if (open.has(at)) throw new OpenRedError("rate_limited", "The file is open already");
          open.add(at);
          const file = this.#files.get(at) ?? new StoredFile(new Uint8Array());
          this.#files.set(at, file);
          return this.#part(file, { call, close: () => void open.delete(at) });
        }),
      openLanded: (name) =>
        call(() => {
          const file = this.#files.get(pathOf(name));
          return file === undefined ? null : opened(file, call);
        }),
      land: (part, name) =>
        call(() => {
          if (this.#files.has(pathOf(name))) return false;
          this.#files.set(pathOf(name), this.#files.get(pathOf(part))!);
          this.#files.delete(pathOf(part));
          return true;
        }),
      removePart: (part) => call(() => void this.#files.delete(pathOf(part))),
      openFolder: () => call(noFolders),
      findFolder: () => call(() => null),
      landFolder: () => call(noFolders),
      removeFolder: () => call(() => undefined),
      sync: () => call(() => undefined),
      freeBytes: () => call(() => null),
    };
  }

  #part(
    file: StoredFile,
    { call, close }: Pick<Process, "call"> & { readonly close: () => void },
  ): PartFile {
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = (work: () => void) => {
      const done = last.then(() => call(work));
      last = done.catch(() => undefined);
      return done;
    };
    const check = () => {
      if (this.isFull) throw new OpenRedError("overloaded", "The disk is full");
    };
    return {
      ...opened(file, call),
      write: (at, content) => {
        const copy = content.slice();
        return inTurn(() => {
          check();
          file.write({ at, content: copy });
        });
      },
      finish: (bytes) => inTurn(() => file.sync(bytes)),
      close,
    };
  }
}

type Call = <T>(work: () => T) => Promise<T>;

interface Process {
  readonly call: Call;
  /** Parts that it has open. */
  readonly open: Set<string>;
}

function opened(file: StoredFile, call: Call): OwnerFile {
  return {
    bytes: file.now.length,
    read: (at, length, into = new Uint8Array(length)) =>
      call(() => {
        const piece = file.now.subarray(at, at + length);
        into.set(piece);
        return into.subarray(0, piece.length);
      }),
    close: () => {},
  };
}

function noFolders(): never {
  throw new OpenRedError("unsupported", "There are no folders in folders here");
}
