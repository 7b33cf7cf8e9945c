/**
 * How much of a factor somebody asks a peer's owner for, and what for (docs/PROTOCOL.md, "Factors").
 *
 * @module
 */
import * as v from "valibot";
import { isOneLine } from "./one_line.ts";

/** From the least to the most: somebody is there, a code or a passkey, a passkey. */
export const FACTOR_LEVELS = ["presence", "totp", "passkey"] as const;
export type FactorLevel = typeof FACTOR_LEVELS[number];

const MAX_PURPOSE_LENGTH = 120;

export const factorLevelSchema = v.picklist(FACTOR_LEVELS);

/** What it is for, in words of whoever asks: one line, without what cannot be seen. */
export const purposeSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.check(
    (text) => [...text].length <= MAX_PURPOSE_LENGTH && isOneLine(text),
    "a line of 1 to 120 characters",
  ),
);

/** What a caller's owner has to show before a call is taken. */
export const requirementSchema = v.strictObject({
  level: factorLevelSchema,
  purpose: purposeSchema,
});
export type Requirement = v.InferOutput<typeof requirementSchema>;
