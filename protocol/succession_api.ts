/**
 * Having another identity follow the one of a running node, over the admin API.
 *
 * @module
 */
import * as v from "valibot";
import { MAX_PHRASE_LENGTH } from "./phrase_limits.ts";
import { askedWordsSchema, type NewPhraseView } from "./recovery_phrase_api.ts";
import { passphraseSchema } from "./settings_api.ts";

/** The words of this node's recovery phrase, however they were typed. */
const phraseSchema = v.pipe(v.string(), v.maxLength(MAX_PHRASE_LENGTH));

/** `POST /admin/v1/succession`; the answer is a {@linkcode NewSuccessionView}. */
export const beginSuccessionInputSchema = v.strictObject({ phrase: phraseSchema });

/** `POST /admin/v1/succession/make`: the phrase once more, and words of the new one; the answer is a {@linkcode SuccessionView}. */
export const makeSuccessionInputSchema = v.strictObject({
  phrase: phraseSchema,
  words: askedWordsSchema,
  /** Of the node's keys; `null` where they have none. */
  passphrase: v.nullable(passphraseSchema),
});

/** The new identity's recovery phrase. Nothing is changed yet. */
export interface NewSuccessionView extends NewPhraseView {
  /** Who the node is going to be. */
  readonly node_id: string;
}

/** The succession is made; the node begins anew as this one. */
export interface SuccessionView {
  readonly node_id: string;
  /** The secret of a one-time link, which opens the console within a minute from when that one runs. */
  readonly link: string;
}
