/**
 * The words and options that name messages.
 *
 * @module
 */
import { usageError } from "./command_error.ts";
import type { ArgumentSpec } from "./command.ts";
import { type OptionSpec, valueOption } from "./options.ts";

const ID = /^[A-Za-z0-9_-]{1,64}$/;

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
