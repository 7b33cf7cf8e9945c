/**
 * What file sharing keeps of the files of a share besides its record: the roots of their chunks, and the lists of
 * folders. Sealed, in pieces.
 *
 * @module
 */
import { concatBytes, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext, ModuleTables } from "../api.ts";

const PIECE_BYTES = 2 ** 20;

export interface KeptPart {
  readonly share: string;
  readonly file: number;
  readonly part: "layer" | "manifest";
}

export interface KeptPartsParts extends Pick<ModuleContext, "storage"> {
  readonly tables: ModuleTables;
}

/** The parts of one node's shares. */
export class KeptParts {
  readonly #parts: KeptPartsParts;

  constructor(parts: KeptPartsParts) {
    this.#parts = parts;
  }

  /** Durable when it resolves. @param isKept Asked inside the transaction. */
  async write(part: KeptPart, content: Uint8Array, isKept: () => boolean): Promise<void> {
    const sealed = await this.#seal(part, content);
    await this.#parts.tables.write(() => {
      if (isKept()) this.#writeSealed(part, sealed);
    });
  }

  async #seal(part: KeptPart, content: Uint8Array): Promise<readonly Uint8Array[]> {
    const sealed: Uint8Array[] = [];
    for (let at = 0; at < content.length; at += PIECE_BYTES) {
      const piece = content.subarray(at, at + PIECE_BYTES);
      const row = { aad: aadOf(part, sealed.length), content: piece };
      sealed.push((await this.#parts.storage.seal([row]))[0]!);
    }
    return sealed;
  }

  #writeSealed({ share, file, part }: KeptPart, sealed: readonly Uint8Array[]): void {
    const { tables } = this.#parts;
    tables.statement("DELETE FROM file_sharing_parts WHERE share = ? AND file = ? AND part = ?")
      .run(share, file, part);
    for (const [piece, content] of sealed.entries()) {
      tables.statement(
        "INSERT INTO file_sharing_parts (share, file, part, piece, sealed) VALUES (?, ?, ?, ?, ?)",
      ).run(share, file, part, piece, content);
    }
  }

  /**
   * @returns `null` where there is none.
   * @throws {OpenRedError} `internal` where it was changed on disk.
   */
  async read(part: KeptPart): Promise<Uint8Array | null> {
    const rows = this.#parts.tables.statement(
      "SELECT piece, sealed FROM file_sharing_parts WHERE share = ? AND file = ? AND part = ? " +
        "ORDER BY piece",
    ).all(part.share, part.file, part.part);
    if (rows.length === 0) return null;
    const pieces: Uint8Array[] = [];
    for (const { sealed } of rows) {
      const row = { aad: aadOf(part, pieces.length), sealed: sealed as Uint8Array };
      const [piece] = await this.#parts.storage.open([row]);
      if (piece == null) {
        throw new OpenRedError("internal", "What was kept of a shared file was changed on disk");
      }
      pieces.push(piece);
    }
    return concatBytes(...pieces);
  }

  /**
   * Seals the layers of earlier versions, which lie in plain, and overwrites what that leaves in the files. A process
   * that is killed meanwhile goes on at its next start.
   */
  async sealPlain(): Promise<void> {
    const { tables } = this.#parts;
    const rows = tables.statement("SELECT share, file FROM file_sharing_layers").all();
    if (rows.length === 0) return;
    for (const { share, file } of rows) {
      await this.#sealPlain({ share: String(share), file: Number(file), part: "layer" });
    }
    await tables.wipe();
    await tables.write(() => tables.statement("DELETE FROM file_sharing_layers").run());
  }

  async #sealPlain(part: KeptPart): Promise<void> {
    const { tables } = this.#parts;
    const { share, file } = part;
    const row = tables.statement(
      "SELECT layer FROM file_sharing_layers WHERE share = ? AND file = ?",
    ).get(share, file);
    const layer = row?.layer as Uint8Array;
    // It has been sealed; only the wiping is left.
    if (layer.length === 0) return;
    const sealed = await this.#seal(part, layer);
    await tables.write(() => {
      this.#writeSealed(part, sealed);
      tables.statement("UPDATE file_sharing_layers SET layer = x'' WHERE share = ? AND file = ?")
        .run(share, file);
    });
  }
}

function aadOf({ share, file, part }: KeptPart, piece: number): Uint8Array {
  return encodeUtf8(`${part} ${share} ${file} ${piece}`);
}
