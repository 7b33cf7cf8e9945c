/**
 * What the owner sees of shares, offers and transfers.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { decodeBase64Url } from "../../crypto/encoding.ts";
import type {
  FolderCounts,
  OfferView,
  ShareView,
  TransferView,
} from "../../protocol/file_sharing_api.ts";
import type { PeersNow } from "../api.ts";
import type { Transfer } from "./download.ts";
import type { Offer } from "./offers.ts";
import type { Held } from "./records.ts";
import type { Share, SharedFile, Shares } from "./shares.ts";
import type { ShareFactors } from "./share_factors.ts";
import type { Transfers } from "./transfers.ts";
import type { UploadView } from "./uploads.ts";

function sum(lengths: readonly number[]): number {
  return lengths.reduce((all, length) => all + length, 0);
}

/** Files and folders as their owner knows them: what a folder contains is no file of its own. */
export function named<T extends { readonly kind?: "folder" | "content" }>(
  files: readonly T[],
): readonly { readonly file: T; readonly content: T }[] {
  return files.flatMap((file, at) => {
    if (file.kind === "content") return [];
    return [{ file, content: file.kind === "folder" ? files[at + 1]! : file }];
  });
}

/** A hash of content in the digits that other programs show. */
function rootText(root: string): string | null {
  const bytes = decodeBase64Url(root);
  return bytes === null ? null : Buffer.from(bytes).toString("hex");
}

/** What the owner sees of a folder. */
export function folderView(
  { kind, entries = 0, leftOut = 0 }: Pick<SharedFile, "kind" | "entries" | "leftOut">,
): { readonly folder?: FolderCounts } {
  return kind === undefined ? {} : { folder: { entries, left_out: leftOut } };
}

export function viewShare(
  held: Held<Share>,
  { peers, shares, factors }: {
    readonly peers: PeersNow;
    readonly shares: Shares;
    readonly factors: ShareFactors;
  },
): ShareView {
  const { id, peer, value } = held;
  const bytes = sum(value.files.map(({ length }) => length));
  const isUsed = value.count !== null &&
    value.files.every(({ downloads }) => downloads.length >= value.count!);
  const state = shares.stateOf(value);
  return {
    id,
    peer,
    petname: peers.petname(peer),
    state: state === "ready" && isUsed ? "used" : state,
    why: value.why,
    answer: value.answer,
    created_at: value.createdAt,
    expires_at: value.expiresAt,
    count: value.count,
    note: value.note,
    require: factors.view(held),
    files: named(value.files).map(({ file, content }) => ({
      name: file.name,
      path: file.path,
      bytes: content.length,
      root: file.root === null ? null : rootText(file.root),
      downloads: content.downloads.length,
      ...folderView(file),
    })),
    bytes,
    hashed_bytes: value.state === "ready" ? bytes : shares.hashedBytes(id),
  };
}

export function viewOffer({ id, peer, value }: Held<Offer>, peers: PeersNow): OfferView {
  return {
    id,
    peer,
    petname: peers.petname(peer),
    state: value.state,
    received_at: value.receivedAt,
    expires_at: value.expiresAt,
    note: value.note,
    require: value.require ?? null,
    files: named(value.files).map(({ file, content }) => ({
      name: file.name,
      bytes: content.length,
      ...(file.kind === undefined ? {} : { folder: { entries: file.entries ?? 0 } }),
    })),
    bytes: sum(value.files.map(({ length }) => length)),
  };
}

export function viewTransfer(
  held: Held<Transfer>,
  { peers, transfers }: { readonly peers: PeersNow; readonly transfers: Transfers },
): TransferView {
  const { id, peer, value } = held;
  const { state, why } = transfers.stateOf(held);
  return {
    id,
    direction: "in",
    peer,
    petname: peers.petname(peer),
    state,
    why,
    name: value.files[Math.min(value.at, value.files.length - 1)]!.name,
    bytes: sum(value.files.map(({ length }) => length)),
    done_bytes: transfers.doneBytes(held),
    way: transfers.wayOf(id),
    folder: value.folder,
    landed: value.landed,
  };
}

export function viewUpload(upload: UploadView, peers: PeersNow): TransferView {
  const { id, peer, name, bytes, reachedBytes, way } = upload;
  return {
    id,
    direction: "out",
    peer,
    petname: peers.petname(peer),
    state: reachedBytes < bytes ? "running" : "done",
    why: null,
    name,
    bytes,
    done_bytes: reachedBytes,
    way,
    folder: null,
    landed: [],
  };
}
