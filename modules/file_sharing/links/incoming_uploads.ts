/**
 * Files that somebody sends by a link, on their way: in a folder of their own, which gets its name once all is whole.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { FileHashes, LandingFolder, ModuleContext, OwnerFiles } from "../../api.ts";
import { cleanName, foldName, numberedName } from "../file_names.ts";
import { newPartName } from "../landing.ts";
import type { Held } from "../records.ts";
import { IncomingFile } from "./incoming_file.ts";
import { folderName, type LinkRequest, type Received, reservedBytes } from "./request.ts";

const ID_BYTES = 16;
const MAX_UPLOADS = 16;
/** What the disk keeps free besides what was reserved. */
const FLOOR_BYTES = 2 ** 30;
const IDLE_MS = 86_400_000;
/** From here on somebody who begins anew takes the place of an upload that does not go on. */
const STALE_MS = 60_000;
const MAX_NUMBER = 10_000;

interface Upload {
  readonly id: string;
  readonly request: string;
  readonly folder: LandingFolder;
  readonly growing: LandingFolder;
  readonly grown: string;
  readonly files: number;
  readonly bytes: number;
  takenBytes: number;
  usedMs: number;
  current: { readonly file: number; readonly part: string; readonly incoming: IncomingFile } | null;
  readonly names: string[];
  /** One piece follows the other. */
  last: Promise<unknown>;
}

export interface IncomingPiece {
  readonly upload: string;
  readonly file: number;
  readonly number: number;
  readonly isLast: boolean;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface IncomingParts extends Pick<ModuleContext, "clock" | "random" | "log"> {
  readonly disk: OwnerFiles;
  readonly hashes: FileHashes;
}

export class IncomingUploads {
  readonly #parts: IncomingParts;
  readonly #uploads = new Map<string, Upload>();
  #cancelSweep: (() => void) | null = null;
  /** One begins after the other, so that none goes beyond what others were just given. */
  #lastBegun: Promise<unknown> = Promise.resolve();

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  async stop(): Promise<void> {
    this.#cancelSweep?.();
    for (const upload of [...this.#uploads.values()]) await this.#drop(upload);
  }

  /** How much room is kept for what a request announces now. */
  #reserved(): number {
    return [...this.#uploads.values()].reduce(
      (sum, { files, bytes, takenBytes }) => sum + reservedBytes({ files, bytes }) - takenBytes,
      0,
    );
  }

  /**
   * Begins an upload; `note` hears what its folder is called meanwhile, and makes that durable.
   * @throws {OpenRedError} `overloaded` where the disk has no room, or others are sending; `not_found`, `forbidden` for
   *   the folder.
   */
  begin(
    held: Held<LinkRequest>,
    wanted: { readonly files: number; readonly bytes: number },
    note: (grown: string) => Promise<void>,
  ): Promise<string> {
    const begun = this.#lastBegun.then(() => this.#begin(held, wanted, note));
    this.#lastBegun = begun.catch(() => undefined);
    return begun;
  }

  async #begin(
    { id, value }: Held<LinkRequest>,
    { files, bytes }: { readonly files: number; readonly bytes: number },
    note: (grown: string) => Promise<void>,
  ): Promise<string> {
    const { disk, random, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const others = [...this.#uploads.values()].filter(({ request }) => request === id);
    const free = value.count - value.received.length;
    if (others.length >= free) {
      const oldest = others.reduce((a, b) => a.usedMs <= b.usedMs ? a : b);
      if (nowMs - oldest.usedMs < STALE_MS) throw busy();
      await this.#drop(oldest);
    }
    if (this.#uploads.size >= MAX_UPLOADS) throw busy();
    const folder = await disk.openFolder(value.folder);
    const room = await folder.freeBytes();
    const wanted = reservedBytes({ files, bytes }) + this.#reserved() + FLOOR_BYTES;
    if (room !== null && room < wanted) {
      throw new OpenRedError("overloaded", "There is no room for so much");
    }
    const grown = newPartName(random);
    await note(grown);
    const upload: Upload = {
      id: encodeBase64Url(random.bytes(ID_BYTES)),
      request: id,
      folder,
      growing: await folder.openFolder(grown),
      grown,
      files,
      bytes,
      takenBytes: 0,
      usedMs: nowMs,
      current: null,
      names: [],
      last: Promise.resolve(),
    };
    this.#uploads.set(upload.id, upload);
    this.#sweepLater();
    return upload.id;
  }

  /** Takes a piece. @throws {OpenRedError} `not_found`; as {@linkcode IncomingFile.take}. */
  take(held: Held<LinkRequest>, piece: IncomingPiece): Promise<number> {
    const upload = this.#get(held, piece.upload);
    const taken = upload.last.then(() => this.#take(upload, held.value, piece));
    upload.last = taken.catch(() => undefined);
    return taken;
  }

  async #take(upload: Upload, request: LinkRequest, piece: IncomingPiece): Promise<number> {
    if (!this.#uploads.has(upload.id)) throw unknown();
    upload.usedMs = this.#parts.clock.monotonicMs();
    const incoming = await this.#file(upload, request, piece);
    const before = incoming.bytes;
    await incoming.take(piece, upload.bytes - upload.takenBytes);
    upload.takenBytes += incoming.bytes - before;
    if (incoming.name !== null && upload.names.length === piece.file) {
      await this.#name(upload, incoming.name);
      incoming.close();
    }
    return incoming.next;
  }

  /** The file that a piece is of: the one under way, or the one behind it. */
  async #file(
    upload: Upload,
    { link, publicKey, privateKey }: LinkRequest,
    { file, number }: IncomingPiece,
  ): Promise<IncomingFile> {
    if (upload.current?.file === file) return upload.current.incoming;
    if (file !== upload.names.length || file >= upload.files || number !== 0) {
      throw new OpenRedError("bad_request", "Expected the files in their order");
    }
    const part = `.openred-${file}.part`;
    const keys = {
      link: decodeBase64Url(link)!,
      upload: decodeBase64Url(upload.id)!,
      publicKey: decodeBase64Url(publicKey)!,
      privateKey: decodeBase64Url(privateKey)!,
    };
    const growing = await upload.growing.openPart(part);
    const incoming = new IncomingFile({ keys, file, growing, hashes: this.#parts.hashes });
    upload.current = { file, part, incoming };
    return incoming;
  }

  /** Names a file that is whole, in the folder that still grows. */
  async #name({ growing, current, names }: Upload, given: string): Promise<void> {
    const clean = cleanName(given);
    const taken = new Set(names.map(foldName));
    for (let number = 1; number <= MAX_NUMBER; number++) {
      const name = number === 1 ? clean : numberedName(clean, number);
      if (taken.has(foldName(name)) || !await growing.land(current!.part, name)) continue;
      names.push(name);
      return;
    }
    throw new OpenRedError("overloaded", "Too many files of this name are there");
  }

  /**
   * Lets what has come land, if all of it has.
   * @throws {OpenRedError} `not_found`; `bad_request` where files are missing; `overloaded`.
   */
  land(held: Held<LinkRequest>, id: string): Promise<Received> {
    const upload = this.#get(held, id);
    const landed = upload.last.then(() => this.#land(held, upload));
    upload.last = landed.catch(() => undefined);
    return landed;
  }

  async #land(held: Held<LinkRequest>, upload: Upload): Promise<Received> {
    const { id } = upload;
    if (!this.#uploads.has(id)) throw unknown();
    if (upload.names.length !== upload.files) {
      throw new OpenRedError("bad_request", "Not all files have come");
    }
    const nowMs = this.#parts.clock.nowMs();
    const wanted = folderName(nowMs, held.id);
    await upload.growing.sync();
    for (let number = 1; number <= MAX_NUMBER; number++) {
      const name = number === 1 ? wanted : numberedName(wanted, number);
      if (!await upload.folder.landFolder(upload.grown, name)) continue;
      this.#uploads.delete(id);
      return { upload: id, at: nowMs, bytes: upload.takenBytes, folder: name };
    }
    throw new OpenRedError("overloaded", "Too many folders of this name are there");
  }

  #get({ id }: Held<LinkRequest>, upload: string): Upload {
    const found = this.#uploads.get(upload);
    if (found?.request !== id) throw unknown();
    return found;
  }

  /** Nothing more comes by a request. */
  async end(request: string): Promise<void> {
    for (const upload of [...this.#uploads.values()]) {
      if (upload.request === request) await this.#drop(upload);
    }
  }

  async #drop(upload: Upload): Promise<void> {
    this.#uploads.delete(upload.id);
    await upload.last;
    upload.current?.incoming.close();
    await this.remove(upload.folder.path, upload.grown);
  }

  /** Removes a folder that has not landed. */
  async remove(folder: string, grown: string): Promise<void> {
    try {
      await (await this.#parts.disk.openFolder(folder)).removeFolder(grown);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      this.#parts.log.log("warn", "part_left", { text: error.message });
    }
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#parts.clock.setTimer(IDLE_MS, async () => {
      this.#cancelSweep = null;
      const oldestMs = this.#parts.clock.monotonicMs() - IDLE_MS;
      for (const upload of [...this.#uploads.values()]) {
        if (upload.usedMs <= oldestMs) await this.#drop(upload);
      }
      if (this.#uploads.size > 0) this.#sweepLater();
    });
  }
}

function unknown(): OpenRedError {
  return new OpenRedError("not_found", "There is nothing here");
}

function busy(): OpenRedError {
  return new OpenRedError("overloaded", "Files are being sent by this link already", {
    retryAfterMs: STALE_MS,
  });
}
