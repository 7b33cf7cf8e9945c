/**
 * The settings of a running node that its owner changes, and the passphrase of its keys, over the admin API.
 *
 * @module
 */
import * as v from "valibot";
import { MAX_PASSPHRASE_BYTES } from "./passphrase_text.ts";
import { maxBytesSchema } from "./schemas.ts";

/** What may be changed while the node runs, by the name of the option of `run`. */
export const CHANGEABLE_SETTINGS = ["alias", "directories", "relay"] as const;
export type ChangeableSetting = typeof CHANGEABLE_SETTINGS[number];

const MAX_VALUE_LENGTH = 4096;

/** `POST /admin/v1/settings`: as `config set` takes it; `null` takes the setting out. */
export const settingInputSchema = v.strictObject({
  name: v.picklist(CHANGEABLE_SETTINGS),
  value: v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_VALUE_LENGTH))),
});

/** One option of `run`. */
export interface SettingView {
  readonly name: string;
  /** What a start as this one would read, as a text; `null` where nothing says it. */
  readonly value: string | null;
  /** What `openred.toml` has. */
  readonly kept: string | null;
  /** A flag or a variable, which win over `openred.toml`; `openred.toml`; or `default`. */
  readonly from: string;
  /** How its default reads. */
  readonly default: string;
  /** When a change counts that is made over this API; `null`: none is. */
  readonly counts: "now" | null;
}

/** `GET /admin/v1/settings`. */
export interface SettingsView {
  readonly settings: readonly SettingView[];
}

/** As it was typed, base64url. */
export const passphraseSchema = v.pipe(
  maxBytesSchema(MAX_PASSPHRASE_BYTES),
  v.minLength(1, `Expected 1 to ${MAX_PASSPHRASE_BYTES} bytes`),
);

/**
 * `POST /admin/v1/passphrase`, base64url: `passphrase` is to hold from now on, or `null` for none; `current` holds now,
 * or `null` where there is none.
 */
export const passphraseInputSchema = v.strictObject({
  passphrase: v.nullable(passphraseSchema),
  current: v.nullable(passphraseSchema),
});

/** `GET /admin/v1/passphrase`, and the answer to a change. */
export interface PassphraseView {
  readonly is_set: boolean;
}
