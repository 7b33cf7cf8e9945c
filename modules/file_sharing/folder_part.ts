/**
 * The content of a folder that is fetched: written to its files as if it were one.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import { MAX_FOLDER_ENTRIES } from "../../protocol/file_frames.ts";
import type { LandingFolder, OwnerFile, OwnerFiles, PartFile } from "../api.ts";
import type { LocalFolder, LocalPath } from "./folder_paths.ts";
import { type Span, Spans } from "./spans.ts";

/** Files that are worked on at once. */
const AT_ONCE = 8;

/** Works on each of some things, a few at once. */
async function forEach<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  const left = things.values();
  const worker = async () => {
    for (const thing of left) await work(thing);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

interface Parts {
  readonly disk: Pick<OwnerFiles, "listFolder">;
  readonly local: LocalFolder;
}

/** A folder that grows, or has landed. */
export class FolderPart implements PartFile {
  readonly #tree: LandingFolder;
  readonly #disk: Parts["disk"];
  readonly #local: LocalFolder;
  readonly #spans: Spans;
  /** By their paths. */
  readonly #folders = new Map<string, Promise<LandingFolder>>();
  /** Files that are whole and durable. */
  readonly #durable = new Set<number>();
  /** The one that pieces are written to, of which it takes more than one. */
  #growing: { readonly file: number; readonly part: PartFile } | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #bytes = 0;

  private constructor(tree: LandingFolder, { disk, local }: Parts) {
    this.#tree = tree;
    this.#disk = disk;
    this.#local = local;
    this.#spans = new Spans(local.files.map(({ length }) => length));
  }

  static async open(tree: LandingFolder, parts: Parts): Promise<FolderPart> {
    const part = new FolderPart(tree, parts);
    part.#bytes = await part.#reached();
    return part;
  }

  /** How far the last file that was there reached when it was opened: before it some may be missing. */
  get bytes(): number {
    return this.#bytes;
  }

  async #reached(): Promise<number> {
    if ((await this.#tree.names()).length === 0) return 0;
    for (let at = this.#local.files.length - 1; at >= 0; at--) {
      const file = this.#local.files[at]!.length === 0 ? null : await this.#find(at);
      const bytes = file?.bytes ?? 0;
      file?.close();
      if (bytes > 0) {
        return this.#spans.startOf(at) + Math.min(bytes, this.#local.files[at]!.length);
      }
    }
    return 0;
  }

  read(
    at: number,
    length: number,
    into = new Uint8Array(length),
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#inTurn(async () => {
      const content = into.subarray(0, Math.max(0, Math.min(length, this.#spans.bytes - at)));
      for (const span of this.#spans.of(at, length)) {
        const piece = await this.#readSpan(span);
        content.set(piece, span.from);
        if (piece.length < span.length) return content.subarray(0, span.from + piece.length);
      }
      return content;
    });
  }

  async #readSpan({ file, at, length }: Span): Promise<Uint8Array> {
    if (this.#growing?.file === file) return await this.#growing.part.read(at, length);
    const opened = await this.#find(file);
    try {
      return await opened?.read(at, length) ?? new Uint8Array();
    } finally {
      opened?.close();
    }
  }

  write(at: number, content: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const spans = this.#spans.of(at, content.length);
      const isWhole = ({ file, length }: Span) => length === this.#local.files[file]!.length;
      const write = (span: Span) =>
        this.#writeSpan(span, content.subarray(span.from, span.from + span.length));
      // At most the first and the last one are in other pieces too; they grow one after the other.
      for (const span of spans) if (!isWhole(span)) await write(span);
      await forEach(spans.filter(isWhole), write);
    });
  }

  async #writeSpan({ file, at, length }: Span, content: Uint8Array): Promise<void> {
    if (length < this.#local.files[file]!.length) {
      this.#durable.delete(file);
      return await (await this.#grow(file)).write(at, content);
    }
    const part = await this.#openPart(file);
    try {
      await part.write(0, content);
      await part.finish(length, this.#local.files[file]!.modifiedAt);
      this.#durable.add(file);
    } finally {
      part.close();
    }
  }

  async #grow(file: number): Promise<PartFile> {
    if (this.#growing?.file === file) return this.#growing.part;
    const part = await this.#openPart(file);
    this.#growing?.part.close();
    this.#growing = { file, part };
    return part;
  }

  finish(): Promise<void> {
    return this.#inTurn(async () => {
      this.#closeGrowing();
      const left = this.#local.files.keys().filter((file) => !this.#durable.has(file)).toArray();
      await forEach(left, (file) => this.#finishFile(file));
      for (const path of this.#local.folders) await this.#folder(path);
      for (const folder of this.#folders.values()) await (await folder).sync();
      await this.#tree.sync();
      await this.#checkLengths();
    });
  }

  /** Files were closed long before: whoever can write here may have cut one. @throws {OpenRedError} `internal`. */
  async #checkLengths(): Promise<void> {
    const options = { maxEntries: 2 * MAX_FOLDER_ENTRIES };
    const listing = await this.#disk.listFolder(this.#tree.path, options);
    // Some disks keep names in another form.
    const lengths = new Map(
      listing?.entries.map(({ path, bytes }) => [path.normalize("NFC"), bytes]),
    );
    for (const { path, length } of this.#local.files) {
      if (lengths.get(path.join("/")) === length) continue;
      throw new OpenRedError("internal", "Another program has changed what was fetched");
    }
  }

  async #finishFile(file: number): Promise<void> {
    const part = await this.#openPart(file);
    try {
      const { length, modifiedAt } = this.#local.files[file]!;
      await part.finish(length, modifiedAt);
    } finally {
      part.close();
    }
  }

  close(): void {
    // What is being written now ends before its file is closed.
    this.#last = this.#last.then(() => this.#closeGrowing());
  }

  #closeGrowing(): void {
    this.#growing?.part.close();
    this.#growing = null;
  }

  async #openPart(file: number): Promise<PartFile> {
    const { path } = this.#local.files[file]!;
    return await (await this.#folder(path.slice(0, -1))).openPart(path.at(-1)!);
  }

  async #find(file: number): Promise<OwnerFile | null> {
    const { path } = this.#local.files[file]!;
    let folder: LandingFolder | null = this.#tree;
    for (const part of path.slice(0, -1)) folder = await folder?.findFolder(part) ?? null;
    return await folder?.openLanded(path.at(-1)!) ?? null;
  }

  /** Opens a folder, or makes it with all those above it. */
  #folder(path: LocalPath): Promise<LandingFolder> {
    if (path.length === 0) return Promise.resolve(this.#tree);
    const key = path.join("/");
    const known = this.#folders.get(key);
    if (known !== undefined) return known;
    const opened = this.#folder(path.slice(0, -1)).then((above) => above.openFolder(path.at(-1)!));
    this.#folders.set(key, opened);
    // Whoever comes next tries it anew.
    opened.catch(() => this.#folders.delete(key));
    return opened;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
