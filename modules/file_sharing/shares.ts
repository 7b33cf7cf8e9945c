/**
 * What this node's owner shares: which files, with whom, until when and how often.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_FILE_BYTES } from "../../protocol/file_frames.ts";
import type { ShareState, ShareView } from "../../protocol/file_sharing_api.ts";
import type { FileHashes, ModuleContext, ModuleTables, NodeId, OwnerFiles } from "../api.ts";
import { type ContentId, hashFile } from "./content.ts";
import type { Held, Records } from "./records.ts";

const ID_BYTES = 16;
const MAX_SHARES = 10_000;
/** Paths and names of one share, as JSON. */
const MAX_LIST_BYTES = 2 * 2 ** 20;
/** Downloads that are kept of one file, and of a whole share. */
const MAX_OF_FILE = 1_000;
const MAX_OF_SHARE = 20_000;

/** Of one file of a share. */
export interface SharedFile {
  readonly path: string;
  readonly name: string;
  readonly length: number;
  /** Base64url; `null` for the empty file, and until it is known. */
  readonly root: string | null;
  /** What was fetched, by what each receiver calls it. */
  readonly downloads: readonly string[];
}

export interface Share {
  /** What the peer calls it. */
  readonly share: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly count: number | null;
  readonly note: string | null;
  readonly state: "hashing" | "ready" | "failed";
  readonly why: string | null;
  readonly answer: ShareView["answer"];
  readonly files: readonly SharedFile[];
}

export interface ShareParts extends Pick<ModuleContext, "clock" | "random" | "log" | "events"> {
  readonly tables: ModuleTables;
  readonly disk: OwnerFiles;
  readonly hashes: FileHashes;
  readonly records: Records<Share>;
  /** A share can be offered now. */
  readonly ready: (id: string) => void;
}

/** A file that a peer may fetch now. */
export interface Fetchable {
  readonly id: string;
  readonly file: number;
  readonly path: string;
  readonly content: ContentId;
}

/** The shares of one node. */
export class Shares {
  readonly #parts: ShareParts;
  readonly #stop = new AbortController();
  readonly #hashing = new Map<string, { readonly done: Promise<void>; bytes: number }>();
  /** One file is hashed at a time. */
  #last: Promise<void> = Promise.resolve();

  constructor(parts: ShareParts) {
    this.#parts = parts;
  }

  /** Goes on with what was not hashed to its end. */
  start(): void {
    for (const { id, value } of this.#parts.records.all()) {
      if (value.state === "hashing") this.#hashLater(id);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#hashing.values()].map(({ done }) => done));
  }

  /**
   * @throws {OpenRedError} `not_found`, `forbidden` for a path that is no file; `too_large` for a file, a list, or a
   *   count that cannot be kept for so many files; `overloaded`.
   */
  async add(
    peer: NodeId,
    wanted: Pick<Share, "expiresAt" | "count" | "note"> & { readonly paths: readonly string[] },
  ): Promise<string> {
    const { records, random, clock } = this.#parts;
    if (records.size >= MAX_SHARES) {
      throw new OpenRedError("overloaded", `There are ${MAX_SHARES} shares; remove some`);
    }
    const { paths, ...rest } = wanted;
    const most = maxDownloads(paths.length);
    if ((rest.count ?? 0) > most) {
      const text = `Expected a count of at most ${most} for ${paths.length} files`;
      throw new OpenRedError("too_large", text);
    }
    const files: SharedFile[] = [];
    for (const path of paths) files.push(await this.#look(path));
    if (encodeUtf8(JSON.stringify(files)).length > MAX_LIST_BYTES) {
      throw new OpenRedError("too_large", "The list of files is too long; share it in parts");
    }
    const id = records.newId();
    const share = encodeBase64Url(random.bytes(ID_BYTES));
    const value: Share = {
      share,
      createdAt: clock.nowMs(),
      ...rest,
      state: "hashing",
      why: null,
      answer: "waiting",
      files,
    };
    await records.add({ id, peer, value });
    this.#hashLater(id);
    return id;
  }

  async #look(path: string): Promise<SharedFile> {
    const file = await this.#parts.disk.openFile(path);
    const { bytes } = file;
    file.close();
    if (bytes > MAX_FILE_BYTES) {
      throw new OpenRedError("too_large", `Expected files of at most ${MAX_FILE_BYTES} bytes`);
    }
    const name = path.split(/[/\\]/).at(-1) ?? path;
    return { path, name, length: bytes, root: null, downloads: [] };
  }

  #hashLater(id: string): void {
    const progress = { bytes: 0, done: Promise.resolve() };
    progress.done = this.#last.then(() => this.#hash(id, progress)).catch((error) => {
      if (!this.#stop.signal.aborted) {
        this.#parts.log.log("error", "hashing_failed", { text: String(error) });
      }
    }).finally(() => this.#hashing.delete(id));
    this.#hashing.set(id, progress);
    this.#last = progress.done;
  }

  async #hash(id: string, progress: { bytes: number }): Promise<void> {
    const { records, events, ready } = this.#parts;
    const files: SharedFile[] = [];
    try {
      for (const [file, shared] of (records.get(id)?.value.files ?? []).entries()) {
        const before = progress.bytes;
        files.push(
          await this.#hashOne({ id, file, shared }, (bytes) => progress.bytes = before + bytes),
        );
      }
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return await this.fail(id, error.message);
    }
    await records.change(id, (value) => ({ ...value, state: "ready", files }));
    events.emit("share", { id, state: "ready" });
    ready(id);
  }

  async #hashOne(
    { id, file, shared }: { id: string; file: number; shared: SharedFile },
    hashed: (bytes: number) => void,
  ): Promise<SharedFile> {
    const { disk, hashes, records, tables } = this.#parts;
    const { signal } = this.#stop;
    const opened = await disk.openFile(shared.path);
    try {
      if (opened.bytes > MAX_FILE_BYTES) throw new OpenRedError("too_large", "It grew too long");
      const { bytes, root, layer } = await hashFile(hashes, opened, { signal, hashed });
      if (layer !== null) {
        await tables.write(() => {
          if (records.get(id) === null) return;
          tables.statement(
            "INSERT OR REPLACE INTO file_sharing_layers (share, file, layer) VALUES (?, ?, ?)",
          ).run(id, file, layer);
        });
      }
      return { ...shared, length: bytes, root: root === null ? null : encodeBase64Url(root) };
    } finally {
      opened.close();
    }
  }

  /** Nothing of a share can be fetched any more. */
  async fail(id: string, why: string): Promise<void> {
    const { records, events } = this.#parts;
    await records.change(id, (value) => ({ ...value, state: "failed", why }));
    events.emit("share", { id, state: "failed" });
  }

  /**
   * A file that a peer asks for, if it is shared with that peer.
   * @throws {OpenRedError} `not_found` whatever the reason.
   */
  async fetchable(
    peer: NodeId,
    wanted: { readonly share: string; readonly file: number; readonly download: string },
  ): Promise<Fetchable> {
    const { records } = this.#parts;
    const held = records.of(peer).find(({ value }) => value.share === wanted.share);
    const shared = held?.value.files[wanted.file];
    if (held === undefined || shared === undefined || this.stateOf(held.value) !== "ready") {
      throw notShared();
    }
    const { download, file } = wanted;
    const isKnown = shared.downloads.includes(download);
    if (!isKnown && shared.downloads.length >= (held.value.count ?? Infinity)) throw notShared();
    if (!isKnown || held.value.answer !== "accepted") {
      await records.change(held.id, (value) => noteDownload(value, { file, download }));
    }
    return this.#fetchable(held, { file, shared });
  }

  #fetchable(
    { id }: Held<Share>,
    { file, shared }: { readonly file: number; readonly shared: SharedFile },
  ): Fetchable {
    const row = this.#parts.tables.statement(
      "SELECT layer FROM file_sharing_layers WHERE share = ? AND file = ?",
    ).get(id, file);
    const root = shared.root === null ? null : decodeBase64Url(shared.root);
    const layer = row === undefined ? null : row.layer as Uint8Array;
    return { id, file, path: shared.path, content: { bytes: shared.length, root, layer } };
  }

  /** Whether a share gives anything to those who have begun already. */
  isOpen(id: string): boolean {
    const held = this.#parts.records.get(id);
    if (held === null || held.value.state !== "ready") return false;
    return !this.#isExpired(held.value);
  }

  stateOf(share: Share): ShareState {
    if (share.state !== "ready") return share.state;
    return this.#isExpired(share) ? "expired" : "ready";
  }

  #isExpired({ expiresAt }: Share): boolean {
    return expiresAt !== null && this.#parts.clock.nowMs() >= expiresAt;
  }

  hashedBytes(id: string): number {
    return this.#hashing.get(id)?.bytes ?? 0;
  }
}

function notShared(): OpenRedError {
  return new OpenRedError("not_found", "No such file is shared with this peer");
}

/** How many downloads of each file are kept. */
function maxDownloads(files: number): number {
  return Math.min(MAX_OF_FILE, Math.floor(MAX_OF_SHARE / files));
}

/** Only the last downloads are kept of files that may be fetched as often as anybody likes. */
function noteDownload(share: Share, of: { file: number; download: string }): Share {
  const most = maxDownloads(share.files.length);
  const files = share.files.map((file, at) => {
    if (at !== of.file || file.downloads.includes(of.download)) return file;
    return { ...file, downloads: [...file.downloads, of.download].slice(-most) };
  });
  return { ...share, answer: "accepted", files };
}
