/**
 * Links for people without a node: what crosses the wire, and the owner's routes (docs/PROTOCOL.md, "Links").
 *
 * @module
 */
import * as v from "valibot";
import {
  MAX_NOTE_BYTES,
  MAX_SHARE_FILES,
  offerBodySchema,
  offeredFileSchema,
} from "./file_frames.ts";
import {
  type FolderCounts,
  MAX_DOWNLOADS,
  pathSchema,
  type ShareState,
} from "./file_sharing_api.ts";
import { bytesSchema, integerSchema, parseInput } from "./schemas.ts";

/** Where the page of a link lies, below the node's URL. */
export const LINK_PATH = "/f/";
export const LINK_ID_BYTES = 16;
export const LINK_SECRET_BYTES = 32;
const MAX_LINK_BYTES = 512;
export const MAX_LINK_PASSWORD_BYTES = 1_024;
/** What asks for a link's head, or for a ticket. */
export const MAX_LINK_REQUEST_BYTES = 1_024;

const LINK_URL = /^(https?:\/\/[^#?]+)\/f\/([A-Za-z0-9_-]{21}[AQgw])#([A-Za-z0-9_-]{43})$/;

const proofs = {
  access: bytesSchema(32),
  /** Only where the link has a password. */
  open: v.optional(bytesSchema(32)),
};

/** `POST /f/<link>/head`. */
export const linkHeadRequestSchema = v.looseObject(proofs);

/** `POST /f/<link>/tickets`. */
export const linkTicketRequestSchema = v.looseObject({
  ...proofs,
  /** Its place in the head. */
  file: v.pipe(integerSchema, v.maxValue(MAX_SHARE_FILES - 1)),
});

/** What the head of a link is answered with: that a password is wanted, or the sealed head. */
export const linkHeadAnswerSchema = v.looseObject({
  password: v.optional(v.boolean(), false),
  head: v.optional(v.string()),
});

export const linkTicketAnswerSchema = v.looseObject({
  ticket: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
});

/** The head of a link, opened. */
export const linkHeadSchema = v.looseObject({
  v: v.literal(1),
  /** Milliseconds since the epoch. */
  expires_at: v.optional(integerSchema),
  note: v.optional(v.pipe(v.string(), v.maxBytes(MAX_NOTE_BYTES))),
  files: offerBodySchema,
});
export type LinkHead = v.InferOutput<typeof linkHeadSchema>;

/** Why a link gives nothing any more, said to whoever has its secret. */
export const LINK_ENDS = ["expired", "used", "revoked", "failed"] as const;
export type LinkEnd = typeof LINK_ENDS[number];

/** `POST /m/file_sharing/links`. Answers at once; the link gives nothing before its files have been read. */
export const linkInputSchema = v.strictObject({
  paths: v.pipe(v.array(pathSchema), v.minLength(1), v.maxLength(MAX_SHARE_FILES)),
  /** Milliseconds since the epoch. */
  expires_at: v.optional(integerSchema),
  /** How many times each file can be fetched. */
  count: v.optional(v.pipe(integerSchema, v.minValue(1), v.maxValue(MAX_DOWNLOADS))),
  note: v.optional(v.pipe(v.string(), v.maxBytes(MAX_NOTE_BYTES))),
  password: v.optional(
    v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_LINK_PASSWORD_BYTES)),
  ),
});

export interface LinkView {
  readonly id: string;
  readonly state: ShareState;
  /** Why it failed. */
  readonly why: string | null;
  readonly has_password: boolean;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly count: number | null;
  readonly note: string | null;
  readonly files: readonly {
    readonly name: string;
    readonly path: string;
    readonly bytes: number;
    readonly downloads: number;
    readonly folder?: FolderCounts;
  }[];
  readonly bytes: number;
  readonly hashed_bytes: number;
}

/** A link that was just made. The node does not keep its secret: nobody is told `path` again. */
export interface NewLinkView extends LinkView {
  /** What stands behind the node's URL. */
  readonly path: string;
}

/** `GET /m/file_sharing/links`, oldest first. */
export interface LinksView {
  readonly links: readonly LinkView[];
}

/** What HPKE sends along in front of the first piece of a file. */
export const PIECE_ENC_BYTES = 32;
export const DEFAULT_REQUEST_BYTES = 2 ** 30;
export const DEFAULT_REQUEST_MS = 7 * 86_400_000;
const MAX_REQUEST_BYTES = 2 ** 40;
const MAX_REQUEST_COUNT = 100;

/** `POST /f/<link>/request`. */
export const requestLookSchema = v.looseObject({ access: proofs.access });

/** `POST /f/<link>/uploads`. */
export const uploadInputSchema = v.looseObject({
  access: proofs.access,
  files: v.pipe(integerSchema, v.minValue(1), v.maxValue(MAX_SHARE_FILES)),
  /** Of all files together. */
  bytes: v.pipe(integerSchema, v.maxValue(MAX_REQUEST_BYTES)),
});

/** The last piece of a file. */
export const lastPieceSchema = offeredFileSchema;

/** `POST /m/file_sharing/requests`. */
export const requestInputSchema = v.strictObject({
  /** In which a folder for each sending lands. */
  folder: pathSchema,
  /** Milliseconds since the epoch; a week from now unless it says so. */
  expires_at: v.optional(integerSchema),
  /** How often somebody may send; once unless it says so. */
  count: v.optional(v.pipe(integerSchema, v.minValue(1), v.maxValue(MAX_REQUEST_COUNT))),
  /** At a time; 1 GiB unless it says so. */
  max_bytes: v.optional(v.pipe(integerSchema, v.minValue(1), v.maxValue(MAX_REQUEST_BYTES))),
});

export type RequestState = "open" | "expired" | "used";

export interface RequestView {
  readonly id: string;
  readonly state: RequestState;
  readonly created_at: number;
  readonly expires_at: number;
  readonly count: number;
  readonly max_bytes: number;
  readonly folder: string;
  /** What has come, of somebody whom nobody vouches for. */
  readonly received: readonly {
    readonly at: number;
    readonly bytes: number;
    /** Within `folder`. */
    readonly name: string;
    readonly foreign: true;
  }[];
}

/** `path`: what stands behind the node's URL. */
export interface NewRequestView extends RequestView {
  readonly path: string;
}

/** `GET /m/file_sharing/requests`, oldest first. */
export interface RequestsView {
  readonly requests: readonly RequestView[];
}

/** `POST /m/file_sharing/links/get`: answers once the link was looked up. */
export const getLinkInputSchema = v.strictObject({
  link: v.pipe(
    v.string(),
    v.maxBytes(MAX_LINK_BYTES),
    v.check((text) => parseLink(text) !== null, "a link: https://…/f/…#…"),
  ),
  /** Where the files land. */
  folder: pathSchema,
  /** Whether they keep their times. */
  keep_times: v.optional(v.boolean(), false),
  password: v.optional(
    v.pipe(v.string(), v.minLength(1), v.maxBytes(MAX_LINK_PASSWORD_BYTES)),
  ),
});

/** What is fetched from a link. A node that stops gives it up. */
export interface LinkGetView {
  readonly id: string;
  readonly state: "running" | "done" | "failed";
  readonly why: string | null;
  /** The file that is under way, or the last one: somebody else's word. */
  readonly name: string;
  readonly bytes: number;
  readonly done_bytes: number;
  readonly folder: string;
  /** The names under which files have landed. */
  readonly landed: readonly string[];
}

/** A link, taken apart. */
export interface ParsedLink {
  /** The node's URL. */
  readonly url: string;
  readonly id: Uint8Array<ArrayBuffer>;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** @returns `null` for what is no link. */
export function parseLink(text: string): ParsedLink | null {
  const [, url, id, secret] = LINK_URL.exec(text) ?? [];
  if (url === undefined || !URL.canParse(url)) return null;
  try {
    return {
      url,
      id: parseInput(bytesSchema(LINK_ID_BYTES), id),
      secret: parseInput(bytesSchema(LINK_SECRET_BYTES), secret),
    };
  } catch {
    return null;
  }
}
