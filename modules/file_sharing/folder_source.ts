/**
 * The content of a folder that is shared, read from its files as if it were one.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { OwnerFile, OwnerFiles } from "../api.ts";
import { Spans } from "./spans.ts";

export interface FolderFiles {
  /** Absolute, without links. */
  readonly root: string;
  readonly files: readonly { readonly path: string; readonly length: number }[];
}

/** One file is open at a time: the last that was read. */
export class FolderSource implements OwnerFile {
  readonly #disk: Pick<OwnerFiles, "openInside">;
  readonly #of: FolderFiles;
  readonly #spans: Spans;
  #open: { readonly at: number; readonly file: OwnerFile } | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(disk: Pick<OwnerFiles, "openInside">, of: FolderFiles) {
    this.#disk = disk;
    this.#of = of;
    this.#spans = new Spans(of.files.map(({ length }) => length));
  }

  get bytes(): number {
    return this.#spans.bytes;
  }

  /** @throws {OpenRedError} `unsupported` where a file has another length than it had; `not_found`, `forbidden`. */
  read(
    at: number,
    length: number,
    into = new Uint8Array(length),
  ): Promise<Uint8Array<ArrayBuffer>> {
    const content = into.subarray(0, Math.max(0, Math.min(length, this.bytes - at)));
    const read = this.#last.then(() => this.#read(at, content));
    this.#last = read.catch(() => undefined);
    return read;
  }

  async #read(
    at: number,
    content: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    for (const span of this.#spans.of(at, content.length)) {
      const piece = await (await this.#fileAt(span.file)).read(span.at, span.length);
      if (piece.length !== span.length) throw changed();
      content.set(piece, span.from);
    }
    return content;
  }

  async #fileAt(at: number): Promise<OwnerFile> {
    if (this.#open?.at === at) return this.#open.file;
    this.#closeFile();
    const { path, length } = this.#of.files[at]!;
    const file = await this.#disk.openInside(this.#of.root, path);
    this.#open = { at, file };
    if (this.#isClosed) {
      this.#closeFile();
      throw new OpenRedError("unsupported", "The folder is not read any more");
    }
    if (file.bytes !== length) throw changed();
    return file;
  }

  close(): void {
    this.#isClosed = true;
    // What is being read now ends before its file is closed.
    this.#last = this.#last.then(() => this.#closeFile());
  }

  #closeFile(): void {
    this.#open?.file.close();
    this.#open = null;
  }
}

function changed(): OpenRedError {
  return new OpenRedError("unsupported", "A file of the folder has changed since it was listed");
}
