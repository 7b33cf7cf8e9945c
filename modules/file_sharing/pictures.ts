/**
 * Pictures among what has landed, for the owner's page: told by their first bytes, whatever they are called.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { OwnerFiles } from "../api.ts";
import type { Transfer } from "./download.ts";

const MAX_PICTURE_BYTES = 16 * 2 ** 20;

export interface Picture {
  readonly type: "image/png" | "image/jpeg" | "image/webp" | "image/gif";
  readonly body: Uint8Array;
}

function begins(bytes: Uint8Array, text: string, at = 0): boolean {
  return [...text].every((character, index) => bytes[at + index] === character.charCodeAt(0));
}

/** Which kind of picture begins so; `null` for anything else, of which a browser might run what it holds. */
export function pictureType(bytes: Uint8Array): Picture["type"] | null {
  if (begins(bytes, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (begins(bytes, "\xff\xd8\xff")) return "image/jpeg";
  if (begins(bytes, "GIF87a") || begins(bytes, "GIF89a")) return "image/gif";
  return begins(bytes, "RIFF") && begins(bytes, "WEBP", 8) ? "image/webp" : null;
}

/** @throws {OpenRedError} `not_found` for what has not landed; `too_large`; `unsupported` for what is no picture. */
export async function readPicture(
  disk: OwnerFiles,
  transfer: Transfer,
  name: string,
): Promise<Picture> {
  const folder = transfer.landed.includes(name) ? await disk.openFolder(transfer.folder) : null;
  const file = await folder?.openLanded(name) ?? null;
  if (file === null) throw new OpenRedError("not_found", "There is no file of this name any more");
  try {
    if (file.bytes > MAX_PICTURE_BYTES) {
      throw new OpenRedError("too_large", "The picture is too large to be shown here");
    }
    const body = await file.read(0, file.bytes);
    const type = pictureType(body);
    if (type === null) throw new OpenRedError("unsupported", "This is no picture");
    return { type, body };
  } finally {
    file.close();
  }
}
