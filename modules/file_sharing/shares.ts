/**
 * What this node's owner shares: which files, with whom, until when and how often.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_SHARE_FILES } from "../../protocol/file_frames.ts";
import type { ShareState, ShareView } from "../../protocol/file_sharing_api.ts";
import type { FileHashes, ModuleContext, NodeId, OwnerFiles } from "../api.ts";
import type { ContentId } from "./content.ts";
import { hashFolder, listFolder } from "./folder_listing.ts";
import { type GivenFile, hashGiven, lookAt } from "./given_files.ts";
import { type HashingProgress, HashingQueue } from "./hashing_queue.ts";
import type { KeptParts } from "./kept_parts.ts";
import type { Held, Records } from "./records.ts";
import { nameOfPart } from "./shared_disk.ts";
import { isShown, type Requiring } from "./shown_factor.ts";

const ID_BYTES = 16;
const MAX_SHARES = 10_000;
/** Paths and names of one share, as JSON. */
const MAX_LIST_BYTES = 2 * 2 ** 20;
/** Downloads that are kept of one file, and of a whole share. */
const MAX_OF_FILE = 1_000;
const MAX_OF_SHARE = 20_000;

/** Of one file of a share. */
export interface SharedFile extends GivenFile {
  /** What was fetched, by what each receiver calls it. */
  readonly downloads: readonly string[];
}

export interface Share extends Requiring {
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

export interface ShareParts
  extends Pick<ModuleContext, "clock" | "random" | "log" | "events" | "audit"> {
  readonly kept: KeptParts;
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
  /** What a `SharedDisk` opens. */
  readonly path: string;
  readonly content: ContentId;
}

interface Hashed {
  readonly id: string;
  readonly file: number;
  readonly shared: SharedFile;
}

type Hearing = (bytes: number) => void;

/** The shares of one node. */
export class Shares {
  readonly #parts: ShareParts;
  readonly #hashing: HashingQueue;

  constructor(parts: ShareParts) {
    this.#parts = parts;
    this.#hashing = new HashingQueue({
      log: parts.log,
      hash: (id, progress) => this.#hash(id, progress),
    });
  }

  /** Goes on with what was not hashed to its end. */
  start(): void {
    for (const { id, value } of this.#parts.records.all()) {
      if (value.state === "hashing") this.#hashing.add(id);
    }
  }

  async stop(): Promise<void> {
    await this.#hashing.stop();
  }

  /**
   * @throws {OpenRedError} `not_found`; `forbidden` for what is neither file nor folder; `too_large` for a file, a list,
   *   or a count that cannot be kept for so many files; `overloaded`.
   */
  async add(
    peer: NodeId,
    wanted: Pick<Share, "expiresAt" | "count" | "note" | "require"> & {
      readonly paths: readonly string[];
    },
  ): Promise<string> {
    const { records, random, clock } = this.#parts;
    if (records.size >= MAX_SHARES) {
      throw new OpenRedError("overloaded", `There are ${MAX_SHARES} shares; remove some`);
    }
    const { paths, ...rest } = wanted;
    const files: SharedFile[] = [];
    for (const path of paths) {
      const looked = await lookAt(this.#parts.disk, path);
      files.push(...looked.map((file) => ({ ...file, downloads: [] })));
    }
    if (files.length > MAX_SHARE_FILES) {
      const text = `Expected at most ${MAX_SHARE_FILES} files; a folder counts as two`;
      throw new OpenRedError("too_large", text);
    }
    const most = maxDownloads(files.length);
    if ((rest.count ?? 0) > most) {
      const text = `Expected a count of at most ${most} for ${files.length} files`;
      throw new OpenRedError("too_large", text);
    }
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
    this.#hashing.add(id);
    return id;
  }

  async #hash(id: string, progress: HashingProgress): Promise<void> {
    const { records, events, ready } = this.#parts;
    const files: SharedFile[] = [];
    try {
      for (const [file, shared] of (records.get(id)?.value.files ?? []).entries()) {
        // It was hashed with the list of its folder.
        if (shared.kind === "content") continue;
        const before = progress.bytes;
        const hashed = (bytes: number) => progress.bytes = before + bytes;
        const one = { id, file, shared };
        if (shared.kind === "folder") files.push(...await this.#hashFolder(one, hashed));
        else files.push(await this.#hashOne(one, hashed));
      }
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      return await this.fail(id, error.message);
    }
    await records.change(id, (value) => ({ ...value, state: "ready", files }));
    events.emit("share", { id, state: "ready" });
    ready(id);
  }

  async #hashOne({ id, file, shared }: Hashed, hashed: Hearing): Promise<SharedFile> {
    const { signal } = this.#hashing;
    const { content, time } = await hashGiven(this.#parts, shared.path, { signal, hashed });
    return await this.#keep({ id, file, shared: { ...shared, ...time } }, content);
  }

  /** @returns What its list is called, then what its files contain. */
  async #hashFolder({ id, file, shared }: Hashed, hashed: Hearing): Promise<readonly SharedFile[]> {
    const { disk, hashes, kept, records } = this.#parts;
    const { signal } = this.#hashing;
    const folder = await listFolder(disk, shared.path, signal);
    const entries = folder.entries.length;
    const { kind: _, entries: __, leftOut: ___, ...plain } = shared;
    const list = { ...shared, entries, leftOut: folder.leftOut };
    const content: SharedFile = { ...plain, kind: "content", length: folder.bytes };
    await records.change(id, (value) => ({
      ...value,
      files: value.files.with(file, list).with(file + 1, content),
    }));
    const made = await hashFolder({ disk, hashes }, folder, { signal, hashed });
    const isKept = () => records.get(id) !== null;
    await kept.write({ share: id, file, part: "manifest" }, made.manifest, isKept);
    return [
      await this.#keep({ id, file, shared: list }, made.list),
      await this.#keep({ id, file: file + 1, shared: content }, made.content),
    ];
  }

  async #keep({ id, file, shared }: Hashed, content: ContentId): Promise<SharedFile> {
    const { kept, records } = this.#parts;
    const { bytes, root, layer } = content;
    if (layer !== null) {
      const isKept = () => records.get(id) !== null;
      await kept.write({ share: id, file, part: "layer" }, layer, isKept);
    }
    return { ...shared, length: bytes, root: root === null ? null : encodeBase64Url(root) };
  }

  /** Nothing of a share can be fetched any more. */
  async fail(id: string, why: string): Promise<void> {
    const { records, events } = this.#parts;
    await records.change(id, (value) => ({ ...value, state: "failed", why }));
    events.emit("share", { id, state: "failed" });
  }

  /** What a peer calls by this name and may fetch now, if there is any. */
  open(peer: NodeId, share: string): Held<Share> | null {
    const held = this.#parts.records.of(peer).find(({ value }) => value.share === share);
    return held !== undefined && this.stateOf(held.value) === "ready" ? held : null;
  }

  /**
   * A file that a peer asks for, if it is shared with that peer.
   * @throws {OpenRedError} `not_found` whatever the reason, but `forbidden` where a factor has to be shown first.
   */
  async fetchable(
    peer: NodeId,
    wanted: { readonly share: string; readonly file: number; readonly download: string },
  ): Promise<Fetchable> {
    const { records, audit, clock } = this.#parts;
    const held = this.open(peer, wanted.share);
    const shared = held?.value.files[wanted.file];
    const { download, file } = wanted;
    const isKnown = shared?.downloads.includes(download) ?? false;
    const isOpen = held !== null && shared !== undefined &&
      (isKnown || shared.downloads.length < (held.value.count ?? Infinity));
    if (!isOpen) {
      audit?.note("files_refused", { peer, success: false }, "peer");
      throw new OpenRedError("not_found", "No such file is shared with this peer");
    }
    if (!isShown(held, { download, nowMs: clock.nowMs() })) {
      audit?.note("files_refused", { peer, success: false, share: held.id }, "peer");
      throw new OpenRedError("forbidden", "A factor has to be shown first");
    }
    if (!isKnown || held.value.answer !== "accepted") {
      await records.change(held.id, (value) => noteDownload(value, { file, download }));
    }
    if (!isKnown) {
      audit?.note("files_granted", { peer, success: true, share: held.id, file }, "peer");
    }
    return await this.#fetchable(held, { file, shared });
  }

  async #fetchable(
    { id }: Held<Share>,
    { file, shared }: { readonly file: number; readonly shared: SharedFile },
  ): Promise<Fetchable> {
    const root = shared.root === null ? null : decodeBase64Url(shared.root);
    const layer = await this.#parts.kept.read({ share: id, file, part: "layer" });
    const path = shared.kind === undefined ? shared.path : nameOfPart({
      share: id,
      file: shared.kind === "folder" ? file : file - 1,
      kind: shared.kind,
    }, shared.path);
    return { id, file, path, content: { bytes: shared.length, root, layer } };
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
    return this.#hashing.hashedBytes(id);
  }
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
