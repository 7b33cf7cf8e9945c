/**
 * Shows a recovery phrase, once.
 *
 * @module
 */
import { toPhrase } from "../ports/recovery_words.ts";
import { failure } from "./command_error.ts";
import type { ShowPhrase } from "./node_keeper.ts";
import type { Output } from "./output.ts";

const WORDS_PER_LINE = 6;
/** Of the list's words. */
const MAX_WORD_LENGTH = 8;

/**
 * Makes what prints a phrase: for people on lines of six numbered words, or as JSON.
 * @throws {CommandError} From what it makes, where it could not be written for somebody to read.
 */
export function phrasePrinter(out: Output, options: { readonly json: boolean }): ShowPhrase {
  return async ({ id, phrase: bytes }) => {
    const phrase = toPhrase(bytes);
    try {
      if (options.json) await out.seen.json({ id, recovery_phrase: phrase });
      else await printForPeople(out.seen, phrase);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const text = `Cannot write to standard output (${why}), so that the recovery phrase is void`;
      throw failure(text, { cause });
    }
  };
}

async function printForPeople(out: Output, phrase: string): Promise<void> {
  const words = phrase.split(" ");
  await out.line("The recovery phrase. Write it down now and keep it away from this machine:");
  await out.line("it is shown this once and stored nowhere.");
  await out.line();
  for (let at = 0; at < words.length; at += WORDS_PER_LINE) {
    const cells = words.slice(at, at + WORDS_PER_LINE).flatMap((word, index) => [
      { text: String(at + index + 1).padStart(4) + " ", style: "dim" as const },
      { text: word.padEnd(MAX_WORD_LENGTH), style: "bold" as const },
    ]);
    await out.line(...cells);
  }
  await out.line();
  await out.line(
    "Should the node's keys be lost or stolen, 'openred-node succeed' makes from it a",
  );
  await out.line("new identity that peers and directories follow.");
}
