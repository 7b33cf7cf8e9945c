/**
 * `openred-node inbox`.
 *
 * @module
 */
import type { MessageView } from "../protocol/admin_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { failure } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { parseInteger } from "./option_values.ts";
import { switchOption, valueOption } from "./options.ts";
import { type Output, showInstant } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { sanitizeLines } from "./sanitize.ts";

const PAGE = 100;

interface Page {
  readonly messages: readonly MessageView[];
  readonly cursor: number;
}

async function readAll(
  node: Pick<AdminClient, "inbox">,
  options: { after: number; limit: number },
): Promise<Page> {
  const messages: MessageView[] = [];
  let cursor = options.after;
  while (messages.length < options.limit) {
    const limit = Math.min(PAGE, options.limit - messages.length);
    const page = await node.inbox({ after: cursor, limit });
    messages.push(...page.messages);
    if (page.messages.length === 0 || page.cursor <= cursor) break;
    cursor = page.cursor;
  }
  return { messages, cursor };
}

async function printMessage(out: Output, message: MessageView): Promise<void> {
  const note = message.request ? "  contact request" : "";
  await out.line(
    { text: `${message.number}`, style: "bold" },
    { text: `  ${showInstant(message.received_at)}  `, style: "dim" },
    { text: message.petname == null ? "" : `${message.petname}  `, style: "bold" },
    { text: message.peer, style: "cyan" },
    { text: note, style: "yellow" },
  );
  // Every line of a message is marked, so that no text can pass for another message.
  for (const line of sanitizeLines(message.text)) {
    await out.line({ text: "  │ ", style: "dim" }, line);
  }
}

async function printMessages(
  out: Output,
  options: { messages: readonly MessageView[]; json: boolean },
): Promise<void> {
  for (const message of options.messages) {
    if (options.json) await out.json(message);
    else await printMessage(out, message);
  }
}

/** Prints messages as they come, without a gap between the stored ones and the new ones. */
async function follow(
  node: AdminClient,
  options: { after: number; json: boolean; out: Output; signal: AbortSignal },
): Promise<void> {
  let cursor = options.after;
  const printNew = async () => {
    const page = await readAll(node, { after: cursor, limit: Infinity });
    cursor = page.cursor;
    await printMessages(options.out, { messages: page.messages, json: options.json });
  };
  try {
    const events = await node.events();
    await printNew();
    for await (const { event } of events) if (event === "message") await printNew();
  } catch (error) {
    if (options.signal.aborted) return;
    if (error instanceof Error && error.name === "CommandError") throw error;
    throw failure("The connection to the node broke", { cause: error });
  }
  if (!options.signal.aborted) throw failure("The node has stopped");
}

/** Prints messages that came. */
export const inboxCommand = defineCommand({
  name: "inbox",
  summary: "print the messages that came",
  details:
    "With --json: one document {messages, cursor}; with --follow --json: one message a line.\n" +
    "Pass the cursor as --after to get what came since.",
  words: [],
  options: {
    ...COMMON_OPTIONS,
    after: valueOption<number>({
      flag: "after",
      value: "N",
      summary: "only messages with a higher number",
      defaultText: "0",
      fallback: 0,
      parse: (text) => parseInteger(text, { min: 0, max: Number.MAX_SAFE_INTEGER }),
    }),
    limit: valueOption<number>({
      flag: "limit",
      value: "N",
      summary: "at most so many",
      defaultText: "1000",
      fallback: 1000,
      parse: (text) => parseInteger(text, { min: 1, max: 100_000 }),
    }),
    follow: switchOption({ flag: "follow", summary: "go on printing what comes, until Ctrl-C" }),
  },
  async run({ options, out, signal, openNode }) {
    const node = await openNode();
    if (options.follow) return await follow(node, { ...options, out, signal });
    const page = await readAll(node, options);
    if (options.json) return await out.json(page);
    if (page.messages.length === 0) return await out.line("No messages");
    await printMessages(out, { messages: page.messages, json: false });
  },
});
