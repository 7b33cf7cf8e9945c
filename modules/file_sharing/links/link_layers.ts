/**
 * The hashes of the chunks of files that links give: kept sealed, in rows that fit.
 *
 * @module
 */
import { concatBytes, encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { ModuleStorage } from "../../api.ts";

const ROW_BYTES = 512 * 2 ** 10;

export class LinkLayers {
  readonly #storage: ModuleStorage;

  constructor(storage: ModuleStorage) {
    this.#storage = storage;
  }

  /** @throws {OpenRedError} `overloaded`, `too_large`. */
  async put(link: string, file: number, layer: Uint8Array): Promise<void> {
    for (let piece = 0; piece * ROW_BYTES < layer.length; piece++) {
      const key = keyOf(link, file, piece);
      const content = layer.subarray(piece * ROW_BYTES, (piece + 1) * ROW_BYTES);
      const [sealed] = await this.#storage.seal([{ aad: encodeUtf8(key), content }]);
      await this.#storage.put(key, sealed!);
    }
  }

  /** @throws {OpenRedError} `internal` where it was changed on disk. */
  async get(link: string, file: number, bytes: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (let piece = 0; piece * ROW_BYTES < bytes; piece++) {
      const key = keyOf(link, file, piece);
      const sealed = await this.#storage.get(key);
      const [content] = sealed === null
        ? [null]
        : await this.#storage.open([{ aad: encodeUtf8(key), sealed }]);
      if (content === null || content === undefined) {
        throw new OpenRedError("internal", "The hashes of a file were changed on disk");
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

function keyOf(link: string, file: number, piece: number): string {
  return `link/${link}/${file}/${piece}`;
}
