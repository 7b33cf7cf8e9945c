/**
 * Files on their way out: whoever may fetch one gets a path that nobody can guess and the secret of one transfer, and
 * then what is sealed for that, for as long as the file is what it was when it was shared.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { type EndReason, FILE_PATH, requestHeaderSchema } from "../../protocol/file_frames.ts";
import type { TransferWay } from "../../protocol/file_sharing_api.ts";
import { parseInput } from "../../protocol/schemas.ts";
import type {
  CallAnswer,
  FileSealing,
  ModuleContext,
  ModuleTables,
  NodeId,
  OwnerFiles,
  PeerFrame,
  PublicAnswer,
  PublicRequest,
} from "../api.ts";
import { ChunkBuffers } from "./chunk_buffers.ts";
import { END, FILES_PERMISSION } from "./manifest.ts";
import type { Shares } from "./shares.ts";
import { Upload } from "./upload.ts";
import { UploadTurns } from "./upload_turns.ts";

const ID_BYTES = 16;
const SECRET_BYTES = 32;
const MAX_OF_PEER = 64;
const IDLE_MS = 120_000;
const LIFETIME_MS = 3_600_000;

/** What the owner sees of one. */
export interface UploadView {
  readonly id: string;
  readonly peer: NodeId;
  readonly name: string;
  readonly bytes: number;
  readonly reachedBytes: number;
  readonly way: TransferWay | null;
}

export interface UploadParts
  extends Pick<ModuleContext, "clock" | "random" | "send" | "log" | "options"> {
  readonly tables: ModuleTables;
  readonly disk: Pick<OwnerFiles, "openFile">;
  readonly sealing: FileSealing;
  readonly shares: Shares;
}

/** The uploads of one node; in memory only. */
export class Uploads {
  readonly #parts: UploadParts;
  readonly #turns: UploadTurns;
  readonly #buffers = new ChunkBuffers();
  /** By the last segment of their paths. */
  readonly #uploads = new Map<string, Upload>();
  #cancelSweep: (() => void) | null = null;

  constructor(parts: UploadParts) {
    this.#parts = parts;
    this.#turns = new UploadTurns(parts.clock, Number(parts.options.upload_limit));
  }

  /** How many transfers peers may fetch now. */
  get size(): number {
    return this.#uploads.size;
  }

  stop(): void {
    this.#cancelSweep?.();
    this.#turns.stop();
    for (const upload of this.#all()) this.#drop(upload);
  }

  views(): readonly UploadView[] {
    return this.#all().map(({ transfer, peer, from, reachedBytes, way }) => ({
      id: encodeBase64Url(transfer),
      peer,
      name: from.path.split(/[/\\]/).at(-1) ?? "",
      bytes: from.content.bytes,
      reachedBytes,
      way,
    }));
  }

  /**
   * Answers the call that begins a transfer.
   * @throws {OpenRedError} `bad_request`; `not_found` for whatever is not shared with this peer now; `overloaded`.
   */
  async request({ peer, header }: PeerFrame): Promise<CallAnswer> {
    const wanted = parseInput(requestHeaderSchema, header);
    this.#makeRoom(peer);
    const { shares, disk, random, clock, sealing } = this.#parts;
    const from = await shares.fetchable(peer, wanted);
    const file = await disk.openFile(from.path).catch(async (cause) => {
      await shares.fail(from.id, "A file is not there any more");
      throw new OpenRedError("not_found", "No such file is shared with this peer", { cause });
    });
    this.#dropFormer({ peer, from, download: wanted.download });
    const path = encodeBase64Url(random.bytes(ID_BYTES));
    const upload: Upload = new Upload({
      clock,
      sealing,
      turns: this.#turns,
      buffers: this.#buffers,
    }, {
      peer,
      from,
      file,
      path,
      download: wanted.download,
      transfer: random.bytes(ID_BYTES),
      secret: random.bytes(SECRET_BYTES),
      isOpen: () => this.#isOpen(upload),
      changed: () => this.#changed(upload),
    });
    this.#uploads.set(path, upload);
    this.#sweepLater();
    return {
      header: {
        transfer: encodeBase64Url(upload.transfer),
        file_url: FILE_PATH.slice(1) + path,
        lifetime_ms: LIFETIME_MS,
        secret: encodeBase64Url(upload.secret),
      },
    };
  }

  /**
   * Answers a request for what lies at a path.
   * @throws {OpenRedError} `not_found` for whatever is not there, or not any more; `rate_limited`.
   */
  serve({ params, headers, signal, isRelayed }: PublicRequest): Promise<PublicAnswer> {
    const upload = this.#uploads.get(params.id!);
    if (upload === undefined) throw notThere();
    if (!this.#isOpen(upload)) {
      this.#end(upload, "gone");
      throw notThere();
    }
    const ageMs = this.#parts.clock.monotonicMs() - upload.begunMs;
    if (ageMs >= LIFETIME_MS || upload.isUsedUp) {
      this.#dropIdle(upload);
      throw notThere();
    }
    upload.way = isRelayed ? "relayed" : "direct";
    return Promise.resolve(upload.answer(headers.range, signal));
  }

  /** Whether its peer may still have it. */
  #isOpen({ path, peer, from }: Upload): boolean {
    const { shares, tables } = this.#parts;
    return this.#uploads.has(path) && shares.isOpen(from.id) &&
      tables.peers.standing(peer, FILES_PERMISSION) === "allowed";
  }

  #all(): readonly Upload[] {
    return [...this.#uploads.values()];
  }

  /** A download goes on in one transfer. */
  #dropFormer({ peer, from, download }: Pick<Upload, "peer" | "from" | "download">): void {
    for (const upload of this.#all()) {
      const { id, file } = upload.from;
      if (upload.peer !== peer || upload.download !== download) continue;
      if (id === from.id && file === from.file) this.#drop(upload);
    }
  }

  /** A peer that begins anew leaves its former transfers behind: the one idle for longest gives way. */
  #makeRoom(peer: NodeId): void {
    const ofPeer = this.#all().filter((upload) => upload.peer === peer);
    if (ofPeer.length >= MAX_OF_PEER) {
      this.#drop(ofPeer.reduce((a, b) => a.usedMs <= b.usedMs ? a : b));
    } else if (this.#uploads.size >= Number(this.#parts.options.max_uploads)) {
      throw new OpenRedError("overloaded", "Too many transfers are under way here");
    }
  }

  #changed(upload: Upload): void {
    if (!this.#uploads.has(upload.path)) return;
    this.#end(upload, "changed");
    const why = "A file has changed since it was shared";
    this.#parts.shares.fail(upload.from.id, why).catch((error) => {
      this.#parts.log.log("error", "upload_failed", { peer: upload.peer, text: String(error) });
    });
  }

  #end(upload: Upload, reason: EndReason): void {
    this.#drop(upload);
    const header = { transfer: encodeBase64Url(upload.transfer), reason };
    this.#parts.send({ peer: upload.peer, type: END, header });
  }

  #drop(upload: Upload): void {
    if (this.#uploads.delete(upload.path)) upload.close();
  }

  #dropIdle(upload: Upload): void {
    if (upload.answers === 0) this.#drop(upload);
  }

  /** Ends what a share gives. */
  end({ share }: { readonly share: string }): void {
    for (const upload of this.#all()) {
      if (upload.from.id === share) this.#end(upload, "gone");
    }
  }

  /** Ends all that goes to a peer, without a word. */
  drop(peer: NodeId): void {
    for (const upload of this.#all()) {
      if (upload.peer === peer) this.#drop(upload);
    }
  }

  /** A file is not held open for who does not come back. */
  #sweepLater(): void {
    this.#cancelSweep ??= this.#parts.clock.setTimer(IDLE_MS, () => {
      this.#cancelSweep = null;
      const oldestMs = this.#parts.clock.monotonicMs() - IDLE_MS;
      for (const upload of this.#all()) {
        if (upload.usedMs <= oldestMs) this.#dropIdle(upload);
      }
      if (this.#uploads.size > 0) this.#sweepLater();
    });
  }
}

function notThere(): OpenRedError {
  return new OpenRedError("not_found", "There is nothing at this path");
}
