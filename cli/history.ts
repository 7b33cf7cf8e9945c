/**
 * `openred-node history`.
 *
 * @module
 */
import type { HistoryMessage, HistoryView } from "../protocol/messaging_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { CONVERSATION_WORD, readConversation } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { printMessage } from "./message_lines.ts";
import { parseInteger } from "./option_values.ts";
import { valueOption } from "./options.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const PAGE = 200;

/** Reads a page of a conversation. */
export function readPage(
  node: AdminClient,
  { peer, before, limit }: { peer: string; before: number | null; limit: number },
): Promise<HistoryView> {
  const query = new URLSearchParams({ peer, limit: String(limit) });
  if (before !== null) query.set("before", String(before));
  return node.messaging("GET", `/history?${query}`);
}

/** The newest messages, the oldest of them first. */
export async function readNewest(
  node: AdminClient,
  peer: string,
  limit: number,
): Promise<HistoryView> {
  const pages: (readonly HistoryMessage[])[] = [];
  let count = 0;
  let before: number | null = null;
  for (;;) {
    const page: HistoryView = await readPage(node, {
      peer,
      before,
      limit: Math.min(PAGE, limit - count),
    });
    pages.unshift(page.messages);
    count += page.messages.length;
    before = page.older;
    if (before === null || count >= limit) return { ...page, messages: pages.flat() };
  }
}

/** Prints a conversation. */
export const historyCommand = defineCommand({
  name: "history",
  summary: "print a conversation",
  details:
    "What both wrote, in the order of the conversation: an answer never stands above its question.\n" +
    "Beside own messages stands what became of them: waiting, sent, delivered, read, given up; in\n" +
    "a group, with how many members.\n" +
    "With --json: one list of messages.",
  words: [CONVERSATION_WORD],
  options: {
    ...TIME_OPTIONS,
    limit: valueOption<number>({
      flag: "limit",
      value: "N",
      summary: "at most so many, the newest",
      defaultText: "50",
      fallback: 50,
      parse: (text) => parseInteger(text, { min: 1, max: 100_000 }),
    }),
  },
  async run({ options, words, out, err, openNode }) {
    const peer = readConversation(words[0]);
    const view = await readNewest(await openNode(), peer, options.limit);
    if (options.json) return await out.json(view.messages);
    if (view.messages.length === 0) return await out.line("No messages");
    for (const message of view.messages) await printMessage(out, { view, message });
    if (view.older === null) return;
    await err.line({ text: "There are older messages. More of them: --limit", style: "yellow" });
  },
});
