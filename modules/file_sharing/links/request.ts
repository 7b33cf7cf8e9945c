/**
 * A link by which somebody without a node sends files, as its node keeps it.
 *
 * @module
 */
import { enc } from "../../../crypto/encoding.ts";
import type { LinkEnd, RequestState } from "../../../protocol/file_links.ts";

/** What an upload takes of the reserved room for each file, besides its content. */
export const FILE_COST_BYTES = 4_096;

/** One sending of files that has come whole. */
export interface Received {
  readonly upload: string;
  readonly at: number;
  readonly bytes: number;
  /** The folder in which the files are. */
  readonly folder: string;
}

export interface LinkRequest {
  /** What stands in its URL. */
  readonly link: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly maxBytes: number;
  readonly count: number;
  /** Where folders of files land. */
  readonly folder: string;
  readonly isRevoked: boolean;
  /** SHA-256 of what shows that somebody has the link, base64url. */
  readonly access: string;
  /** 32 bytes each, base64url; the private key is gone once it was taken back. */
  readonly publicKey: string;
  readonly privateKey: string;
  /** Folders that grow: what an earlier run has left of them goes. */
  readonly growing: readonly string[];
  readonly received: readonly Received[];
}

/** What HPKE binds a file to. */
export function infoOf(
  { link, upload, file }: { readonly link: Uint8Array; readonly upload: Uint8Array; file: number },
): Uint8Array<ArrayBuffer> {
  return enc("openred/v3/request", link, upload, file);
}

/** What each piece of a file is bound to. */
export function aadOf(
  { upload, file, number, isLast }: {
    readonly upload: Uint8Array;
    readonly file: number;
    readonly number: number;
    readonly isLast: boolean;
  },
): Uint8Array<ArrayBuffer> {
  return enc(upload, file, number, isLast ? 1 : 0);
}

/** Why a request takes nothing; `null` while it does. */
export function requestEnd(request: LinkRequest, nowMs: number): LinkEnd | null {
  if (request.isRevoked) return "revoked";
  if (request.received.length >= request.count) return "used";
  return nowMs >= request.expiresAt ? "expired" : null;
}

export function requestState(request: LinkRequest, nowMs: number): RequestState {
  const end = requestEnd(request, nowMs);
  return end === null || end === "revoked" || end === "failed" ? "open" : end;
}

/** How much room so many files take that have so many bytes together. */
export function reservedBytes({ files, bytes }: { files: number; bytes: number }): number {
  return bytes + files * FILE_COST_BYTES;
}

/** A name for a folder of what came: whose it is stands in front. */
export function folderName(nowMs: number, id: string): string {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return `Received ${day} ${id}`;
}
