/**
 * `openred-node send <peer> <text…>`.
 *
 * @module
 */
import {
  MAX_TEXT_BYTES,
  type OutboxView,
  type SentView,
  type WaitingMessage,
} from "../protocol/messaging_api.ts";
import type { GroupsView } from "../protocol/groups_api.ts";
import { parseSpan } from "../protocol/span_text.ts";
import type { AdminClient } from "./admin_client.ts";
import { CONVERSATION_WORD, readConversation } from "./arguments.ts";
import { noteMove } from "./moved_note.ts";
import { CommandError, EXIT_CODES, usageError } from "./command_error.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { idOption } from "./message_words.ts";
import { parsePath } from "./option_values.ts";
import { type OptionSpecs, valueOption } from "./options.ts";
import { showRoundTrip } from "./output.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { shareFiles } from "./share.ts";
import { sayWait, shownPeer, waitOption } from "./wait_option.ts";

const TOO_LONG =
  `<text>: expected at most ${MAX_TEXT_BYTES} bytes of UTF-8; --file PATH sends what is longer`;

async function readStandardInput(context: Pick<CommandContext<OptionSpecs>, "readInput">) {
  let bytes: Uint8Array;
  try {
    bytes = await context.readInput(MAX_TEXT_BYTES);
  } catch (error) {
    if (error instanceof RangeError) throw usageError(TOO_LONG);
    throw error;
  }
  try {
    // The line end is of whatever wrote the text, not of the person.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
      .replace(/\r?\n$/, "");
  } catch {
    throw usageError("<text>: standard input is not UTF-8");
  }
}

/**
 * The text to send: the words with a blank between them, or standard input for `-` alone.
 * @throws {CommandError} Exit code 2 for text that is empty, too long or not UTF-8.
 */
async function readText(
  words: readonly string[],
  context: Pick<CommandContext<OptionSpecs>, "readInput">,
): Promise<string> {
  const isInput = words.length === 1 && words[0] === "-";
  const text = isInput ? await readStandardInput(context) : words.join(" ");
  if (text === "") throw usageError("<text>: expected some text, or - for standard input");
  if (!text.isWellFormed()) throw usageError("<text>: expected well-formed Unicode");
  if (new TextEncoder().encode(text).length > MAX_TEXT_BYTES) throw usageError(TOO_LONG);
  return text;
}

/** The message that was stored before the person stopped waiting for its delivery. */
async function findQueued(
  node: AdminClient,
  { text, startedMs }: { readonly text: string; readonly startedMs: number },
): Promise<WaitingMessage | null> {
  const { messages } = await node.messaging<OutboxView>("GET", "/outbox");
  const isSame = (one: WaitingMessage) => one.text === text && one.sent_at >= startedMs;
  return messages.findLast(isSame) ?? null;
}

async function sayQueued(
  { out, options }: Pick<CommandContext<OptionSpecs>, "out" | "options">,
  { queued, word }: { readonly queued: WaitingMessage; readonly word: string },
): Promise<void> {
  const { id, peer, petname } = queued;
  if (options.json === true) return await out.json({ id, peer, state: "queued", rtt_ms: null });
  const whom = petname ?? shownPeer(word);
  await out.line({ text: "Queued", style: "yellow" }, `, goes out when ${whom} is back (${id})`);
}

/** Shares a file with a peer; with a group nothing is shared, and how its members are is said. */
async function sendFile(
  context: CommandContext<OptionSpecs>,
  { peer, file, waitS }: { readonly peer: string; readonly file: string; readonly waitS: number },
): Promise<void> {
  try {
    await shareFiles(context, { peer, paths: [file], waitS });
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT_CODES.unknown) throw error;
    const node = await context.openNode();
    const view = await node.messaging<GroupsView>("GET", "/groups").catch(() => null);
    if (!view?.groups.some(({ group, name }) => group === peer || name === peer)) throw error;
    throw usageError(
      "--file: files go to peers, not to groups of people; for each of its members: " +
        "openred-node share PATH --to NAME --to NAME",
    );
  }
}

const fileOption = valueOption<string | null>({
  flag: "file",
  value: "PATH",
  summary: "share this file or folder with the peer, instead of a message",
  defaultText: "none",
  fallback: null,
  parse: parsePath,
});

/** Sends a message. */
export const sendCommand = defineCommand({
  name: "send",
  summary: "send a message to a peer or a group",
  details:
    "Allows the peer message and files, unless that was denied to it. A group is one of 'conversation group'.\n" +
    "The message is stored before anything is sent. If the peer does not acknowledge it in time,\n" +
    "because it is away or does not let this node write to it, it stays queued, is sent again until\n" +
    "the peer takes it, and the command succeeds.\n" +
    "Ctrl-C ends the waiting, not the sending.\n" +
    "Several words are one text, with a blank between them. Write - as the text to read it from\n" +
    "standard input, and -- before a text that begins with -.",
  words: [
    CONVERSATION_WORD,
    {
      name: "text",
      summary: `the message, at most ${MAX_TEXT_BYTES / 1024} KiB`,
      isOptional: true,
      isRepeated: true,
    },
  ],
  options: {
    ...COMMON_OPTIONS,
    file: fileOption,
    wait: waitOption(15),
    replyTo: idOption("reply-to", "the message that this one answers"),
    edit: idOption("edit", "an own message whose text this is from now on"),
    expires: valueOption<number | null>({
      flag: "expires",
      value: "SPAN",
      summary: "for how long it is there, such as 30m, 12h or 7d",
      defaultText: "for good",
      fallback: null,
      parse: parseSpan,
    }),
  },
  async run(context) {
    const { options, words, out } = context;
    const [whom, ...textWords] = words;
    const peer = readConversation(whom);
    const { file, wait } = options;
    if (file !== null) {
      if (textWords.length > 0) throw usageError("--file: a file goes without a text");
      return await sendFile(context, { peer, file, waitS: wait });
    }
    const text = await readText(textWords, context);
    const node = await context.openNode();
    await sayWait(context, { what: `${shownPeer(peer)} to take it`, waitS: wait });
    const startedMs = context.clock.nowMs();
    const wasStopped = context.signal.aborted;
    let sent: SentView;
    try {
      sent = await node.send({
        peer,
        text,
        waitMs: wait * 1000,
        more: {
          ...(options.replyTo === null ? {} : { reply_to: options.replyTo }),
          ...(options.edit === null ? {} : { edits: options.edit }),
          ...(options.expires === null ? {} : { expires_ms: options.expires }),
        },
      });
    } catch (error) {
      if (wasStopped || !context.signal.aborted) throw error;
      const queued = await findQueued(node.afterStop(), { text, startedMs });
      if (queued === null) throw error;
      return await sayQueued(context, { queued, word: peer });
    }
    if (sent.peer !== peer) await noteMove(context.err, { word: peer, peer: sent.peer });
    if (options.json) return await out.json(sent);
    if (sent.state === "delivered") {
      const trip = sent.rtt_ms === null ? "" : ` in ${showRoundTrip(sent.rtt_ms)}`;
      return await out.line({ text: "Delivered", style: "green" }, trip, ` (${sent.id})`);
    }
    const later = sent.group === undefined
      ? ": the peer has not taken it yet; it is sent again until it does"
      : ": not all members have said that they have it; it is passed on until they do";
    await out.line({ text: "Queued", style: "yellow" }, ` (${sent.id})`, later);
  },
});
