/**
 * What links keep besides their records: the hashes of the chunks of their files, and the lists of folders. Sealed, in
 * rows that fit.
 *
 * @module
 */
import { concatBytes, encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ModuleStorage, OwnerFile } from "../../api.ts";

const ROW_BYTES = 512 * 2 ** 10;

/** A part of a file of a link. */
export interface KeptRow {
  /** As the owner knows the link. */
  readonly link: string;
  /** Its place. */
  readonly file: number;
  readonly part: "layer" | "list";
}

export class LinkRows {
  readonly #storage: ModuleStorage;

  constructor(storage: ModuleStorage) {
    this.#storage = storage;
  }

  /** @throws {OpenRedError} `overloaded`, `too_large`. */
  async put(row: KeptRow, bytes: Uint8Array): Promise<void> {
    for (let piece = 0; piece * ROW_BYTES < bytes.length; piece++) {
      const key = keyOf(row, piece);
      const content = bytes.subarray(piece * ROW_BYTES, (piece + 1) * ROW_BYTES);
      const [sealed] = await this.#storage.seal([{ aad: encodeUtf8(key), content }]);
      await this.#storage.put(key, sealed!);
    }
  }

  /** @throws {OpenRedError} `internal` where it was changed on disk. */
  async get(row: KeptRow, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#read(row, { at: 0, bytes });
  }

  /** The same, in pieces that are in memory while they are read. @param bytes Of all of it. */
  open(row: KeptRow, bytes: number): OwnerFile {
    return {
      bytes,
      read: async (at, length, into = new Uint8Array(length)) => {
        const content = into.subarray(0, Math.max(0, Math.min(length, bytes - at)));
        const first = at - at % ROW_BYTES;
        const read = await this.#read(row, { at: first, bytes: at + content.length - first });
        content.set(read.subarray(at - first, at - first + content.length));
        return content;
      },
      close: () => {},
    };
  }

  /** @param of `at`: where a row begins. */
  async #read(row: KeptRow, of: { at: number; bytes: number }): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = [];
    for (let at = of.at; at < of.at + of.bytes; at += ROW_BYTES) {
      const key = keyOf(row, at / ROW_BYTES);
      const sealed = await this.#storage.get(key);
      const [content] = sealed === null
        ? [null]
        : await this.#storage.open([{ aad: encodeUtf8(key), sealed }]);
      if (content === null || content === undefined) {
        throw new OpenRedError("internal", "What was kept of a linked file was changed on disk");
      }
      pieces.push(content);
    }
    return concatBytes(...pieces);
  }

  async remove(link: string): Promise<void> {
    for (;;) {
      const rows = await this.#storage.range({ prefix: `link/${link}/`, limit: 100 });
      if (rows.length === 0) return;
      await this.#storage.batch(rows.map(({ key }) => ({ key, value: null })));
    }
  }
}

/** Layers have keys as those that earlier versions left. */
function keyOf({ link, file, part }: KeptRow, piece: number): string {
  const place = part === "layer" ? String(piece) : `${part}/${piece}`;
  return `link/${link}/${file}/${place}`;
}
