/**
 * The small schemas that all signed texts of groups are built of.
 *
 * @module
 */
import * as v from "valibot";
import { decodeBase64Url } from "../../../../crypto/encoding.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { jwsSchema } from "../../../../protocol/jws.ts";
import { MAX_RECORD_BYTES, MAX_SUCCESSION_CHAIN } from "../../../../protocol/limits.ts";
import { namesSchema } from "../../../../protocol/schemas.ts";
import { runSchema } from "../../names.ts";
import { MAX_NUMBER, MAX_RUNS } from "./limits.ts";

/** A SHA-256 as texts name it: 32 bytes in base64url. Of two, the smaller is the one whose text comes first. */
export const hashSchema = v.pipe(
  v.string(),
  v.length(43),
  v.check((text) => decodeBase64Url(text)?.length === 32, "32 bytes in base64url"),
);

export const groupSchema = hashSchema;

/** The number of a message in its run. */
export const messageNumberSchema = v.pipe(
  v.number(),
  v.safeInteger(),
  v.minValue(1),
  v.maxValue(MAX_NUMBER),
);

/** What an entry of a list may have besides its members: nothing that has to be understood. */
export const entryMust = v.optional(v.pipe(namesSchema, v.maxLength(0)));

const lastEntrySchema = v.looseObject({
  run: runSchema,
  n: messageNumberSchema,
  hash: hashSchema,
  must: entryMust,
});

/** The last message of a run that counts. */
export type LastOfRun = v.InferOutput<typeof lastEntrySchema>;

/** The last messages of somebody: what is beyond them, and whatever is of other runs, does not count. */
export const lastSchema = v.pipe(
  v.array(lastEntrySchema),
  v.maxLength(MAX_RUNS),
  v.check((entries) => areDifferent(entries.map(({ run }) => run)), "Each run once"),
);

/** Successions, the oldest first. */
export const successionTextsSchema = v.pipe(
  v.array(jwsSchema(MAX_RECORD_BYTES)),
  v.minLength(1),
  v.maxLength(MAX_SUCCESSION_CHAIN),
);

export function areDifferent(texts: readonly string[]): boolean {
  return new Set(texts).size === texts.length;
}

/** @throws {OpenRedError} `too_large`. */
export function checkLength(text: string, most: number): void {
  if (text.length > most) throw new OpenRedError("too_large", "The signed text is too long");
}

export function malformed(text: string): OpenRedError {
  return new OpenRedError("bad_request", text);
}
