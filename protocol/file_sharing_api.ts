/**
 * The owner's routes of the file sharing module, `/m/file_sharing/…` of the admin server.
 *
 * @module
 */
import * as v from "valibot";
import { type FactorLevel, factorLevelSchema } from "./factor_level.ts";
import { MAX_NOTE_BYTES, MAX_SHARE_FILES } from "./file_frames.ts";
import { peerRefSchema } from "./peer_name.ts";
import { integerSchema, maxBytesSchema } from "./schemas.ts";

const MAX_PATH_BYTES = 4_096;
export const MAX_DOWNLOADS = 1_000;

export const pathSchema = v.pipe(
  v.string(),
  v.maxBytes(MAX_PATH_BYTES),
  v.check((path) => path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path), "an absolute path"),
  v.check((path) => !path.includes("\0"), "a path"),
);

/** `POST /m/file_sharing/shares`. Answers at once; the files are hashed, then offered. */
export const shareInputSchema = v.strictObject({
  peer: peerRefSchema,
  paths: v.pipe(v.array(pathSchema), v.minLength(1), v.maxLength(MAX_SHARE_FILES)),
  /** Milliseconds since the epoch. */
  expires_at: v.optional(integerSchema),
  /** How many times each file can be fetched. */
  count: v.optional(v.pipe(integerSchema, v.minValue(1), v.maxValue(MAX_DOWNLOADS))),
  note: v.optional(v.pipe(v.string(), v.maxBytes(MAX_NOTE_BYTES))),
  /** What the peer's owner has to show before any of it is given. */
  require: v.optional(factorLevelSchema),
});

/** `POST /m/file_sharing/offers/:id/accept`. */
export const acceptInputSchema = v.strictObject({
  /** Where the files land. */
  folder: pathSchema,
  /** Whether they keep their times. */
  keep_times: v.optional(v.boolean(), false),
});

/** `POST /m/file_sharing/folders`: opens a folder below another one, or makes it. */
export const folderInputSchema = v.strictObject({
  parent: pathSchema,
  name: v.pipe(v.string(), v.minLength(1), v.maxBytes(240)),
});

export interface FolderView {
  /** Absolute. */
  readonly folder: string;
}

const MAX_DROP_BYTES = 2 ** 42;
export const MAX_DROP_PIECE_BYTES = 512 * 1024;

/** `POST /m/file_sharing/drops`: a file of which there is no path begins to come. */
export const dropInputSchema = v.strictObject({
  /** Where it lands. */
  folder: pathSchema,
  name: v.pipe(v.string(), v.maxBytes(1_024)),
  bytes: v.pipe(integerSchema, v.maxValue(MAX_DROP_BYTES)),
});

/** `POST /m/file_sharing/drops/:id`: one piece after the other, base64url. */
export const dropPieceSchema = v.strictObject({
  at: integerSchema,
  data: maxBytesSchema(MAX_DROP_PIECE_BYTES),
});

/** `at`: where the next piece begins. */
export interface DropView {
  readonly id: string;
  readonly at: number;
}

/** `POST /m/file_sharing/drops/:id/finish`. */
export interface DroppedView {
  readonly path: string;
}

/** `GET /m/file_sharing/transfers/:id/picture?name=`. */
export const pictureQuerySchema = v.strictObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
});

/**
 * `hashing`: the files are read; `ready`: they can be fetched; `failed`: a file cannot be read, or has changed since;
 * `expired`, and `used` after its last download.
 */
export type ShareState = "hashing" | "ready" | "failed" | "expired" | "used";

/** What is in a folder. */
export interface FolderCounts {
  /** Files and empty folders. */
  readonly entries: number;
  /** Links and special files, which are not shared. */
  readonly left_out: number;
}

export interface SharedFileView {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** The content id, hex; `null` for the empty file, and until it is known. */
  readonly root: string | null;
  readonly downloads: number;
  /** Of a folder, whose content id is that of its list. */
  readonly folder?: FolderCounts;
}

export interface ShareView {
  readonly id: string;
  readonly peer: string;
  readonly petname: string | null;
  readonly state: ShareState;
  /** Why it failed, or is not offered yet. */
  readonly why: string | null;
  /** What the peer made of it; `waiting` until it has heard of it. */
  readonly answer: "waiting" | "offered" | "accepted" | "declined";
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly count: number | null;
  readonly note: string | null;
  /** What the peer's owner has to show first, and what has come of it; `null` where nothing is asked for. */
  readonly require: {
    readonly level: FactorLevel;
    /** `wanted` until the peer begins to fetch, and where what was shown is over. */
    readonly state: "wanted" | "waiting" | "shown" | "refused";
  } | null;
  readonly files: readonly SharedFileView[];
  readonly bytes: number;
  readonly hashed_bytes: number;
}

/** `GET /m/file_sharing/shares`, oldest first. */
export interface SharesView {
  readonly shares: readonly ShareView[];
}

export interface OfferView {
  readonly id: string;
  readonly peer: string;
  readonly petname: string | null;
  readonly state: "offered" | "accepted" | "declined";
  readonly received_at: number;
  readonly expires_at: number | null;
  /** What the peer wrote, unchecked, as are the names. */
  readonly note: string | null;
  /** What this node's owner has to show before any of it comes. */
  readonly require: FactorLevel | null;
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly folder?: { readonly entries: number };
  }[];
  readonly bytes: number;
}

/** `GET /m/file_sharing/offers`, oldest first. */
export interface OffersView {
  readonly offers: readonly OfferView[];
}

/** `paused` by the owner, or because the disk took no more; `waiting`: the peer cannot be reached now. */
export type TransferState = "running" | "waiting" | "paused" | "done" | "failed" | "cancelled";

export type TransferWay = "direct" | "relayed";

export interface TransferView {
  /** That of the offer; an upload has one of its own. */
  readonly id: string;
  readonly direction: "in" | "out";
  readonly peer: string;
  readonly petname: string | null;
  readonly state: TransferState;
  readonly why: string | null;
  /** The file that is under way, or the last one. */
  readonly name: string;
  readonly bytes: number;
  /** On disk here, or sent. */
  readonly done_bytes: number;
  /** How the last of it came or went; `null` before anything has. */
  readonly way: TransferWay | null;
  readonly folder: string | null;
  /** The names under which files have landed. */
  readonly landed: readonly string[];
}

/** `GET /m/file_sharing/transfers`, and what `POST` to its `/forget` leaves: those that are not over. */
export interface TransfersView {
  readonly transfers: readonly TransferView[];
}
