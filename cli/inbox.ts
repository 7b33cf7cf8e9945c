/**
 * `openred-node inbox`.
 *
 * @module
 */
import type { Standing } from "../protocol/admin_api.ts";
import type { MessageView } from "../protocol/messaging_api.ts";
import type { AdminClient } from "./admin_client.ts";
import { failure } from "./command_error.ts";
import { defineCommand } from "./command.ts";
import { printText, shortName } from "./message_lines.ts";
import { parseInteger } from "./option_values.ts";
import { switchOption, valueOption } from "./options.ts";
import { type Output, shortId } from "./output.ts";
import { TIME_OPTIONS } from "./run_options.ts";

const PAGE = 100;

interface Page {
  readonly messages: readonly MessageView[];
  readonly cursor: number;
}

/** Reads on from a number. */
async function readAfter(
  node: AdminClient,
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

/** Reads the newest messages. */
async function readNewest(node: AdminClient, limit: number): Promise<Page> {
  let messages: readonly MessageView[] = [];
  while (messages.length < limit) {
    const before = messages[0]?.number ?? Number.MAX_SAFE_INTEGER;
    const rest = limit - messages.length;
    const page = await node.inbox({ before, limit: Math.min(PAGE, rest) });
    if (page.messages.length === 0) break;
    messages = [...page.messages, ...messages];
  }
  return { messages, cursor: messages.at(-1)?.number ?? 0 };
}

function read(
  node: AdminClient,
  { after, limit }: { after: number | null; limit: number },
): Promise<Page> {
  return after === null ? readNewest(node, limit) : readAfter(node, { after, limit });
}

/** Says on standard error which messages a page leaves out, and how to see them. */
async function noteRest(
  context: { node: AdminClient; err: Output; after: number | null },
  page: Page,
): Promise<void> {
  const { node, err, after } = context;
  const [first] = page.messages;
  if (first === undefined) return;
  const query = after === null ? { before: first.number } : { after: page.cursor };
  const { messages: [next] } = await node.inbox({ ...query, limit: 1 });
  if (next === undefined) return;
  const hint = after === null
    ? "There are older messages. From the oldest on: --after 0; more of the newest: --limit"
    : `There are newer messages. Go on with: --after ${page.cursor}`;
  await err.line({ text: hint, style: "yellow" });
}

const NOTES: Readonly<Record<Standing, string>> = {
  allowed: "",
  stranger: "contact request",
  denied: "denied",
  blocked: "blocked",
};

async function printMessage(out: Output, message: MessageView): Promise<void> {
  const { group, peer } = message;
  await out.flow([
    { text: `${message.number}`, style: "bold" },
    { text: out.instant(message.received_at), style: "dim" },
    { text: shortName(message.petname ?? ""), style: "bold" },
    { text: group === undefined ? peer : shortId(peer), style: "cyan" },
    { text: group === undefined ? "" : `in “${shortName(group)}”`, style: "bold" },
    { text: NOTES[message.standing], style: "yellow" },
  ]);
  await printText(out, message);
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
  options: {
    after: number | null;
    limit: number;
    json: boolean;
    out: Output;
    err: Output;
    signal: AbortSignal;
  },
): Promise<void> {
  let after = options.after;
  const printNew = async () => {
    const limit = after === null ? options.limit : Infinity;
    const page = await read(node, { after, limit });
    if (after === null) await noteRest({ node, err: options.err, after }, page);
    after = page.cursor;
    await printMessages(options.out, { messages: page.messages, json: options.json });
  };
  try {
    const events = await node.events();
    await printNew();
    for await (const { event } of events) if (event === "messaging.message") await printNew();
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
    "The newest, or with --after the oldest above that number; the oldest first. With --json: one\n" +
    "document {messages, cursor}; with --follow --json: one message a line. Pass the cursor as\n" +
    "--after to get what came since; --follow then knows no limit.",
  words: [],
  options: {
    ...TIME_OPTIONS,
    after: valueOption<number | null>({
      flag: "after",
      value: "N",
      summary: "only messages with a higher number",
      defaultText: "the newest",
      fallback: null,
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
  async run({ options, out, err, signal, openNode }) {
    const node = await openNode();
    if (options.follow) return await follow(node, { ...options, out, err, signal });
    const page = await read(node, options);
    if (options.json) await out.json(page);
    else if (page.messages.length === 0) await out.line("No messages");
    else await printMessages(out, { messages: page.messages, json: false });
    await noteRest({ node, err, after: options.after }, page);
  },
});
