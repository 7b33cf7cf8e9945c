/**
 * `openred-node search`.
 *
 * @module
 */
import type { HistoryMessage, SearchView } from "../protocol/messaging_api.ts";
import { CONVERSATION_WORD, readConversation } from "./arguments.ts";
import { usageError } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { printText, shortName } from "./message_lines.ts";
import { parseInteger } from "./option_values.ts";
import { valueOption } from "./options.ts";
import { type Output, shortId } from "./output.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const MAX_LENGTH = 1_000;

async function printFound(
  out: Output,
  { message, petnames }: { message: HistoryMessage; petnames: SearchView["petnames"] },
): Promise<void> {
  const nameOf = (id: string) => petnames[id] ?? shortId(id);
  const { conversation, from, state, group } = message;
  const isOwn = state[conversation] !== undefined;
  const who = isOwn ? `you to ${nameOf(conversation)}` : nameOf(from);
  await out.line(
    {
      text: group === undefined ? who : `${nameOf(from)} in “${shortName(group)}”`,
      style: "cyan",
    },
    { text: `  ${out.instant(message.sent_at)}  ${message.id}`, style: "dim" },
  );
  await printText(out, message);
}

/** Looks for texts. */
export const searchCommand = defineCommand({
  name: "search",
  summary: "look for messages",
  details:
    "Finds texts that have all of the words, each from its beginning on, without regard to\n" +
    "case and accents; the newest first. With --json: one list of messages.",
  words: [{ name: "text", summary: "the words" }, { ...CONVERSATION_WORD, isOptional: true }],
  options: {
    ...TIME_OPTIONS,
    limit: valueOption<number>({
      flag: "limit",
      value: "N",
      summary: "at most so many",
      defaultText: "50",
      fallback: 50,
      parse: (text) => parseInteger(text, { min: 1, max: 500 }),
    }),
  },
  async run({ options, words, out, err, openNode }) {
    const [text = "", peer] = words;
    if (text.trim() === "" || text.length > MAX_LENGTH || !text.isWellFormed()) {
      throw usageError(`<text>: expected words of at most ${MAX_LENGTH} characters`);
    }
    const query = new URLSearchParams({ text, limit: String(options.limit) });
    if (peer !== undefined) query.set("peer", readConversation(peer));
    const view = await (await openNode()).messaging<SearchView>("GET", `/search?${query}`);
    if (options.json) await out.json(view.messages);
    else if (view.messages.length === 0) await out.line("Nothing found");
    else {
      const { petnames } = view;
      for (const message of view.messages) await printFound(out, { message, petnames });
    }
    if (view.more) await err.line({ text: "There is more: --limit", style: "yellow" });
  },
});
