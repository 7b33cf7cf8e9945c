/**
 * The words and options that name messages.
 *
 * @module
 */
import { MAX_EXPIRES_MS, MIN_EXPIRES_MS } from "../protocol/messaging_api.ts";
import { usageError } from "./command_error.ts";
import type { ArgumentSpec } from "./command.ts";
import { type OptionSpec, valueOption } from "./options.ts";

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const SPAN_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
};

export const MESSAGE_WORD: ArgumentSpec = {
  name: "message",
  summary: "its id, as history --json and outbox show it",
};

/** @throws {CommandError} Exit code 2. */
export function readMessageWord(word = ""): string {
  if (!ID.test(word)) throw usageError("<message>: expected the id of a message");
  return word;
}

/** Describes an option that names a message. */
export function idOption(flag: string, summary: string): OptionSpec<string | null> {
  return valueOption<string | null>({
    flag,
    value: "ID",
    summary,
    defaultText: "none",
    fallback: null,
    parse(text) {
      if (!ID.test(text)) throw new RangeError("expected the id of a message");
      return text;
    },
  });
}

/** Reads a span such as `30m`. @throws {RangeError} */
export function parseSpan(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const spanMs = Number(digits) * (SPAN_MS[unit] ?? 0);
  if (spanMs >= MIN_EXPIRES_MS && spanMs <= MAX_EXPIRES_MS) return spanMs;
  throw new RangeError("expected a span such as 30m, 12h or 7d, no longer than 366d");
}
