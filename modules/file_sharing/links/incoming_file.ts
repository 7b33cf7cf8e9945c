/**
 * One file that somebody sends by a link: opened, hashed and written piece by piece, in order.
 *
 * @module
 * @see docs/PROTOCOL.md, "Links to send by"
 */
import { decodeBase64Url, decodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { FILE_CHUNK_BYTES, HASH_BYTES } from "../../../protocol/file_frames.ts";
import { lastPieceSchema, PIECE_ENC_BYTES } from "../../../protocol/file_links.ts";
import { parseInput, parseJson } from "../../../protocol/schemas.ts";
import type { FileHashes, PartFile } from "../../api.ts";
import { isSame } from "../content.ts";
import { type HpkeContext, setUpReceiver } from "./page/hpke.js";
import { aadOf, infoOf } from "./request.ts";

export interface IncomingKeys {
  /** 16 bytes. */
  readonly link: Uint8Array;
  /** 16 bytes. */
  readonly upload: Uint8Array;
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly privateKey: Uint8Array<ArrayBuffer>;
}

export class IncomingFile {
  readonly #keys: IncomingKeys;
  readonly #file: number;
  readonly #growing: PartFile;
  readonly #hashes: FileHashes;
  #context: HpkeContext | null = null;
  readonly #roots: Uint8Array[] = [];
  /** The first chunk is hashed in another way where no second one comes. */
  #first: Uint8Array<ArrayBuffer> | null = null;
  #bytes = 0;
  #next = 0;
  #isClosed = false;
  /** Its name, once the last piece has fitted. */
  name: string | null = null;

  constructor(
    { keys, file, growing, hashes }: {
      readonly keys: IncomingKeys;
      readonly file: number;
      readonly growing: PartFile;
      readonly hashes: FileHashes;
    },
  ) {
    this.#keys = keys;
    this.#file = file;
    this.#growing = growing;
    this.#hashes = hashes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Which piece is to come. */
  get next(): number {
    return this.#next;
  }

  close(): void {
    if (!this.#isClosed) this.#growing.close();
    this.#isClosed = true;
  }

  /**
   * Takes the next piece; one that came before changes nothing.
   * @param maxBytes What the file may still grow by.
   * @throws {OpenRedError} `bad_request` for another number; `bad_signature` where it does not open, or the file is not
   *   what its last piece says; `too_large`; `overloaded`.
   */
  async take(
    { number, isLast, body }: {
      readonly number: number;
      readonly isLast: boolean;
      readonly body: Uint8Array<ArrayBuffer>;
    },
    maxBytes: number,
  ): Promise<void> {
    if (number === this.#next - 1) return;
    if (number !== this.#next || this.name !== null) {
      throw new OpenRedError("bad_request", "Expected the pieces of a file in their order");
    }
    const sealed = number === 0 ? await this.#begin(body) : body;
    const aad = aadOf({ upload: this.#keys.upload, file: this.#file, number, isLast });
    const content = await this.#context!.open(aad, sealed);
    if (content === null) throw damaged();
    if (isLast) await this.#finish(content);
    else await this.#write(content, maxBytes);
    this.#next += 1;
  }

  async #begin(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    if (body.length < PIECE_ENC_BYTES) throw damaged();
    const { publicKey: receiver, privateKey, link, upload } = this.#keys;
    const info = infoOf({ link, upload, file: this.#file });
    const enc = body.slice(0, PIECE_ENC_BYTES);
    try {
      this.#context = await setUpReceiver(privateKey, { enc, receiver, info });
    } catch (cause) {
      if (!(cause instanceof DOMException)) throw cause;
      throw new OpenRedError("bad_signature", "This is no key", { cause });
    }
    return body.slice(PIECE_ENC_BYTES);
  }

  async #write(content: Uint8Array<ArrayBuffer>, maxBytes: number): Promise<void> {
    // Only the last chunk may be shorter, and nothing is behind it.
    const isFit = content.length > 0 && content.length <= FILE_CHUNK_BYTES &&
      this.#bytes % FILE_CHUNK_BYTES === 0;
    if (!isFit) throw damaged();
    if (content.length > maxBytes) {
      throw new OpenRedError("too_large", "More comes than was announced");
    }
    await this.#growing.write(this.#bytes, content);
    this.#bytes += content.length;
    if (this.#roots.length === 0) this.#first = content;
    else this.#first = null;
    // What is hashed is given away.
    this.#roots.push(await this.#hashes.chunk(content.slice(), { isWhole: false }));
  }

  async #finish(content: Uint8Array): Promise<void> {
    const { name, length, root } = parseInput(lastPieceSchema, parseJson(decodeUtf8(content)));
    const found = await this.#root();
    const said = decodeBase64Url(root ?? "")!;
    if (length !== this.#bytes || !isSame(found, said)) throw damaged();
    await this.#growing.finish(this.#bytes);
    this.#first = null;
    this.name = name;
  }

  async #root(): Promise<Uint8Array> {
    if (this.#roots.length === 0) return new Uint8Array();
    if (this.#roots.length === 1) return await this.#hashes.chunk(this.#first!, { isWhole: true });
    const layer = new Uint8Array(HASH_BYTES * this.#roots.length);
    for (const [at, root] of this.#roots.entries()) layer.set(root, HASH_BYTES * at);
    return await this.#hashes.layer(layer);
  }
}

function damaged(): OpenRedError {
  return new OpenRedError("bad_signature", "Something else came than was sealed for this link");
}
