/**
 * Files that the owner drops on a page: a browser has their content and no path, so they come in pieces and land in a
 * folder of the owner, from where they are shared as any other.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { LandingFolder, ModuleContext, OwnerFiles, PartFile } from "../api.ts";
import { cleanName } from "./file_names.ts";
import { type Landing, newPartName } from "./landing.ts";

const ID_BYTES = 16;
const MAX_DROPS = 16;
/** A page that was closed sends no more. */
const IDLE_MS = 600_000;
/** Files that are known to have come by a page; of more, the one that came first is forgotten. */
const MAX_LANDED = 1_000;

export interface DropParts extends Pick<ModuleContext, "random" | "clock" | "log"> {
  readonly disk: OwnerFiles;
  readonly landing: Landing;
}

interface Drop {
  readonly folder: LandingFolder;
  readonly part: string;
  readonly file: PartFile;
  readonly name: string;
  readonly bytes: number;
  at: number;
  /** Pieces follow each other, whoever sends them. */
  last: Promise<unknown>;
  cancelTimer: () => void;
}

/** The drops of one node, in memory. */
export class Drops {
  readonly #parts: DropParts;
  readonly #drops = new Map<string, Drop>();
  /** Paths of what came in this run. */
  readonly #landed = new Set<string>();
  #opening = 0;

  constructor(parts: DropParts) {
    this.#parts = parts;
  }

  /** Ends all; nothing stays of those that are not whole. */
  async stop(): Promise<void> {
    await Promise.all([...this.#drops.keys()].map((id) => this.cancel(id)));
  }

  /**
   * Opens a folder below another one, and makes it where it is not there.
   * @returns Its path. @throws {OpenRedError} `bad_request` for a name that is none; `forbidden`, `not_found`.
   */
  async makeFolder(parent: string, name: string): Promise<string> {
    if (cleanName(name) !== name) {
      throw new OpenRedError("bad_request", "A folder cannot have this name");
    }
    const folder = await this.#parts.disk.openFolder(parent);
    return (await folder.openFolder(name)).path;
  }

  /** @throws {OpenRedError} `not_found` and `forbidden` for the folder; `overloaded`. @returns The id of the drop. */
  async begin(
    { folder: path, name, bytes }: {
      readonly folder: string;
      readonly name: string;
      readonly bytes: number;
    },
  ): Promise<string> {
    if (this.#drops.size + this.#opening >= MAX_DROPS) {
      throw new OpenRedError("overloaded", "Too many files are being dropped at once");
    }
    this.#opening += 1;
    try {
      const folder = await this.#parts.disk.openFolder(path);
      const free = await folder.freeBytes();
      if (free !== null && free < bytes) throw new OpenRedError("overloaded", "The disk is full");
      const part = newPartName(this.#parts.random);
      const file = await folder.openPart(part);
      const id = encodeBase64Url(this.#parts.random.bytes(ID_BYTES));
      const last = Promise.resolve();
      const drop = { folder, part, file, name, bytes, at: 0, last, cancelTimer: () => {} };
      this.#drops.set(id, drop);
      this.#keepAwake(id, drop);
      return id;
    } finally {
      this.#opening -= 1;
    }
  }

  /** @throws {OpenRedError} `not_found`; `bad_request` for a piece that does not follow; `overloaded`. @returns Where the next one begins. */
  take(
    id: string,
    { at, data }: { readonly at: number; readonly data: Uint8Array },
  ): Promise<number> {
    const drop = this.#need(id);
    return this.#inTurn(drop, async () => {
      if (at !== drop.at || at + data.length > drop.bytes) {
        throw new OpenRedError("bad_request", `Expected the piece at ${drop.at} of ${drop.bytes}`);
      }
      await drop.file.write(at, data);
      drop.at += data.length;
      this.#keepAwake(id, drop);
      return drop.at;
    });
  }

  /** @throws {OpenRedError} `not_found`; `bad_request` before the last piece; `overloaded`. @returns The path of the file. */
  finish(id: string): Promise<string> {
    const drop = this.#need(id);
    return this.#inTurn(drop, async () => {
      if (drop.at !== drop.bytes) {
        throw new OpenRedError("bad_request", `Expected ${drop.bytes} bytes, ${drop.at} have come`);
      }
      const { folder, part, file, name } = drop;
      await file.finish(drop.bytes);
      const landed = await this.#parts.landing.land(folder, {
        part,
        given: name,
        chosen: () => Promise.resolve(),
      });
      this.#end(id, drop);
      return this.#note(`${folder.path}/${landed}`);
    });
  }

  /** Whether a file is one that a page has brought: whoever shares it reads nothing else of the disk. */
  hasLanded(path: string): boolean {
    return this.#landed.has(path);
  }

  #note(path: string): string {
    const [oldest] = this.#landed;
    if (this.#landed.size >= MAX_LANDED) this.#landed.delete(oldest!);
    this.#landed.add(path);
    return path;
  }

  /** One that is not there is ignored. */
  async cancel(id: string): Promise<void> {
    const drop = this.#drops.get(id);
    if (drop === undefined) return;
    await this.#inTurn(drop, async () => {
      if (this.#drops.get(id) !== drop) return;
      this.#end(id, drop);
      await drop.folder.removePart(drop.part);
    });
  }

  #need(id: string): Drop {
    const drop = this.#drops.get(id);
    if (drop === undefined) throw new OpenRedError("not_found", "This file is not being dropped");
    return drop;
  }

  #inTurn<T>(drop: Drop, work: () => Promise<T>): Promise<T> {
    const done = drop.last.then(work);
    drop.last = done.catch(() => undefined);
    return done;
  }

  #end(id: string, drop: Drop): void {
    this.#drops.delete(id);
    drop.cancelTimer();
    drop.file.close();
  }

  #keepAwake(id: string, drop: Drop): void {
    drop.cancelTimer();
    drop.cancelTimer = this.#parts.clock.setTimer(IDLE_MS, () => {
      this.cancel(id).catch((error) => {
        this.#parts.log.log("error", "drop_not_removed", { text: String(error) });
      });
    });
  }
}
