/**
 * Making the recovery phrase of a running node that has none, over the admin API.
 *
 * @module
 */
import * as v from "valibot";

/** How many words are asked back. */
export const ASKED_WORDS = 3;

/** `POST /admin/v1/recovery-phrase`; the answer is a {@linkcode NewPhraseView}. */
export const makePhraseInputSchema = v.strictObject({});

/** The words at the places that were asked, in the order of these. */
export const askedWordsSchema = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(32))),
  v.length(ASKED_WORDS, `Expected ${ASKED_WORDS} words`),
);

/** `POST /admin/v1/recovery-phrase/keep`. */
export const keepPhraseInputSchema = v.strictObject({ words: askedWordsSchema });

/** A phrase that does not hold yet. It is answered this once. */
export interface NewPhraseView {
  readonly words: readonly string[];
  /** Which of them are asked back, counted from 1. */
  readonly asked: readonly number[];
  /** Milliseconds since the epoch. */
  readonly expires_at: number;
}

/** A phrase that holds. */
export interface KeptPhraseView {
  readonly node_id: string;
}
