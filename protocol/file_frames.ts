/**
 * What nodes say to each other about files (docs/PROTOCOL.md, "Files").
 *
 * @module
 */
import * as v from "valibot";
import { FILE_CHUNK_BYTES, FILE_TAG_BYTES, MAX_FILE_LAYER_BYTES } from "../crypto/interface.ts";
import { factorLevelSchema } from "./factor_level.ts";
import { bytesSchema, integerSchema } from "./schemas.ts";

export { FILE_CHUNK_BYTES, FILE_TAG_BYTES };

/** How long what a request is answered with can be used at most. */
export const MAX_FILE_LIFETIME_MS = 24 * 3_600_000;

export const HASH_BYTES = 32;
export const MAX_FILE_BYTES = (MAX_FILE_LAYER_BYTES / HASH_BYTES) * FILE_CHUNK_BYTES;
export const MAX_SHARE_FILES = 256;
export const MAX_FILE_NAME_BYTES = 1_024;
export const MAX_NOTE_BYTES = 1_024;
/** The list of the files of an offer, as JSON. */
export const MAX_OFFER_BYTES = 512 * 2 ** 10;

/** The list of what a folder holds, and how much it lists. */
export const MAX_MANIFEST_BYTES = 16 * 2 ** 20;
export const MAX_FOLDER_ENTRIES = 100_000;

/** 16 random bytes in base64url; kept as text, which is what they are compared by. */
const idSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{21}[AQgw]$/));

/** A root, kept as text. */
export const contentRootSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/),
);

/** Up to the last moment that a `Date` knows. */
export const modifiedSchema = v.pipe(integerSchema, v.maxValue(8_640_000_000_000_000));

export const offeredFileSchema = v.looseObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_FILE_NAME_BYTES)),
  length: v.pipe(integerSchema, v.maxValue(MAX_FILE_BYTES)),
  /** The root of the content, base64url; the empty file has none. */
  root: v.optional(contentRootSchema),
  /** A folder's list, or what its files contain, one behind the other; a file has none. */
  kind: v.optional(v.picklist(["folder", "content"])),
  /** When the file was changed last, in milliseconds since the epoch, as its owner's disk says. */
  modified_at: v.optional(modifiedSchema),
  /** How many files and empty folders are in the list of a folder. */
  entries: v.optional(v.pipe(integerSchema, v.maxValue(MAX_FOLDER_ENTRIES))),
});

/** The header of `file_sharing.share`; its body is the list of the files. */
export const offerHeaderSchema = v.looseObject({
  share: idSchema,
  /** Milliseconds since the epoch. */
  expires_at: v.optional(integerSchema),
  note: v.optional(v.pipe(v.string(), v.maxBytes(MAX_NOTE_BYTES))),
  /** What the receiver's owner has to show before any of it is given. */
  require: v.optional(factorLevelSchema),
});

type OfferedEntry = v.InferOutput<typeof offeredFileSchema>;

function isPaired(
  { kind, length, entries }: OfferedEntry,
  { before, next }: { before: OfferedEntry | undefined; next: OfferedEntry | undefined },
): boolean {
  if ((kind === "folder") !== (entries !== undefined)) return false;
  if (kind === "content") return before?.kind === "folder";
  return kind !== "folder" ||
    (length > 0 && length <= MAX_MANIFEST_BYTES && next?.kind === "content");
}

/** The files of an offer, or of a link. */
export const offerBodySchema = v.pipe(
  v.array(offeredFileSchema),
  v.minLength(1),
  v.maxLength(MAX_SHARE_FILES),
  v.check(
    (files) => files.every(({ length, root }) => (length === 0) === (root === undefined)),
    "a root for every file that is not empty",
  ),
  v.check(
    (files) =>
      files.every((file, at) => isPaired(file, { before: files[at - 1], next: files[at + 1] })),
    "each folder's list before its content",
  ),
);

export const OFFER_STATES = ["offered", "accepted", "declined"] as const;

export const offerAnswerSchema = v.looseObject({ state: v.picklist(OFFER_STATES) });

/** `file_sharing.unlock`: asks to be asked for the factor that a share requires. */
export const unlockHeaderSchema = v.looseObject({
  share: idSchema,
  /** As in the requests that follow. */
  download: idSchema,
});

/** `file_sharing.request`. */
export const requestHeaderSchema = v.looseObject({
  share: idSchema,
  /** Its place in the list. */
  file: v.pipe(integerSchema, v.maxValue(MAX_SHARE_FILES - 1)),
  /** Made by whoever fetches, the same whenever it resumes. */
  download: idSchema,
});

/** What it is answered with. */
export const requestAnswerSchema = v.looseObject({
  transfer: bytesSchema(16),
  /** Below the sender's URL. */
  file_url: v.pipe(v.string(), v.regex(/^p2p\/file\/[A-Za-z0-9_-]{22}$/)),
  lifetime_ms: v.pipe(integerSchema, v.minValue(1), v.maxValue(MAX_FILE_LIFETIME_MS)),
  /** What the keys of the transfer come from. */
  secret: bytesSchema(32),
});

/** Where the public route of a transfer lies, `:id` being 22 characters. */
export const FILE_PATH = "/p2p/file/";

/** Why nothing more comes of a transfer. */
export const END_REASONS = ["changed", "gone"] as const;
export type EndReason = typeof END_REASONS[number];

/** `file_sharing.end`. */
export const endHeaderSchema = v.looseObject({
  transfer: idSchema,
  reason: v.picklist(END_REASONS),
});

/** `file_sharing.decline`: the receiver wants nothing of a share. */
export const declineHeaderSchema = v.looseObject({ share: idSchema });
