/**
 * Restoring a backup in the place of a running node's data, over the admin API: the file comes in pieces, is opened and
 * looked at, and then takes that place.
 *
 * @module
 */
import * as v from "valibot";
import { MAX_BACKUP_PIECE_BYTES } from "./backup_limits.ts";
import { integerSchema, maxBytesSchema } from "./schemas.ts";
import { passphraseSchema } from "./settings_api.ts";

/** Less is no backup, and more than this no disk of today has. */
const MIN_BACKUP_BYTES = 64;
const MAX_BACKUP_BYTES = 2 ** 44;

/** `POST /admin/v1/restoration`: a file of so many bytes is about to come; the answer is a {@linkcode ComingBackupView}. */
export const beginRestorationInputSchema = v.strictObject({
  bytes: v.pipe(integerSchema, v.minValue(MIN_BACKUP_BYTES), v.maxValue(MAX_BACKUP_BYTES)),
});

/** `POST /admin/v1/restoration/piece`: the next bytes, base64url; the answer is a {@linkcode ComingBackupView}. */
export const backupPieceInputSchema = v.strictObject({
  at: integerSchema,
  data: maxBytesSchema(MAX_BACKUP_PIECE_BYTES),
});

/** `POST /admin/v1/restoration/look`: the passphrase of the backup; the answer is a {@linkcode OpenedBackupView}. */
export const lookAtBackupInputSchema = v.strictObject({ passphrase: passphraseSchema });

/**
 * `POST /admin/v1/restoration/make`; the answer is a {@linkcode RestorationView}. Where a passphrase is missing or wrong,
 * that of a refusal has a member `of` that says which one: `passphrase` or `current`.
 */
export const makeRestorationInputSchema = v.strictObject({
  /** What was looked at: another page may have brought another backup since. */
  seen: v.pipe(v.string(), v.maxLength(64)),
  /** Of the keys in the backup; `null` where they have none. */
  passphrase: v.nullable(passphraseSchema),
  /** Of the keys that the node has now; `null` where they have none. */
  current: v.nullable(passphraseSchema),
});

/** How much of a backup has come. */
export interface ComingBackupView {
  readonly at: number;
  readonly bytes: number;
}

/** What is in a backup, all of which was read. Nothing of the node is changed yet. */
export interface OpenedBackupView {
  /** Names this look, for whoever goes on with it. */
  readonly seen: string;
  readonly node_id: string;
  /** Whether it is a backup of the node that runs. */
  readonly is_own: boolean;
  readonly created_at: number;
  readonly contacts: number;
  /** Whether its keys are under a passphrase of their own. */
  readonly has_passphrase: boolean;
}

/** The restoration is made; the node begins anew with what was restored. */
export interface RestorationView {
  readonly node_id: string;
  /** What the names of the files begin with that the former data are in from then on. */
  readonly kept: string;
  /** The secret of a one-time link, which opens the console within a minute from when that one runs. */
  readonly link: string;
}
