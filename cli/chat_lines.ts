/**
 * A conversation line by line, where there is no screen to draw on.
 *
 * @module
 */
import type { ChatConversation } from "./chat_conversation.ts";
import type { ChatParts } from "./chat_session.ts";
import { failedText, fulfil } from "./chat_wishes.ts";
import type { CommandContext } from "./command.ts";
import { failure } from "./command_error.ts";
import { printMessage } from "./message_lines.ts";
import { pause } from "../ports/sleep.ts";
import type { OptionSpecs } from "./options.ts";

/** How long, after the last line, a peer who is there has to take it. */
const TAKEN_LOOKS = 15;
const TAKEN_LOOK_MS = 200;

interface LineParts extends ChatParts, Pick<CommandContext<OptionSpecs>, "err" | "inputLines"> {}

/** Prints what was not printed yet. */
async function printNew({ conversation, out }: LineParts, printed: Set<string>): Promise<void> {
  const { view } = conversation;
  for (const message of view.messages) {
    if (printed.has(message.id)) continue;
    printed.add(message.id);
    const number = conversation.numberOf(message);
    await printMessage(out, { view, message, number });
  }
}

/** Sends line by line, until the input, or the person, has ended it. */
async function sendLines(parts: LineParts, printed: Set<string>): Promise<void> {
  const { err, inputLines } = parts;
  for await (const line of inputLines()) {
    if (line.trim() === "") continue;
    try {
      const { said, leaves } = await fulfil(parts, line);
      for (const text of said) await err.line(text);
      if (leaves) return;
      await printNew(parts, printed);
    } catch (error) {
      await err.line({ text: failedText(error), style: "red" });
    }
  }
  await untilTaken(parts);
}

/** What was written last is on its way to a peer who is there: what is said of it is not said too early. */
async function untilTaken({ conversation, clock, signal }: LineParts): Promise<void> {
  if (conversation.waiting() === 0 || (await conversation.presence())?.here === false) return;
  for (let look = 0; look < TAKEN_LOOKS && !signal.aborted; look++) {
    await pause(clock, TAKEN_LOOK_MS, signal);
    await conversation.refresh();
    if (conversation.waiting() === 0) return;
  }
}

async function warn({ err }: LineParts, lines: readonly string[]): Promise<void> {
  for (const text of lines) await err.line({ text, style: "yellow" });
}

async function follow(parts: LineParts, printed: Set<string>): Promise<never> {
  const { conversation, events, challenges } = parts;
  try {
    for await (const { event, data } of events) {
      await warn(parts, challenges.take(event, data));
      const about: unknown = JSON.parse(data);
      if (!conversation.isMeant(about)) continue;
      if (event === "file_sharing.offer") {
        const text = await conversation.offerText(about);
        if (text !== null) await parts.err.line(text);
      }
      if (event !== "messaging.message") continue;
      await show(conversation, () => printNew(parts, printed));
    }
  } catch (error) {
    if (error instanceof Error && error.name === "CommandError") throw error;
  }
  throw failure("The node has stopped");
}

async function show(conversation: ChatConversation, print: () => Promise<void>): Promise<void> {
  await conversation.refresh();
  await print();
  await conversation.read();
}

/**
 * Goes on until the input ends or the person leaves.
 * @throws {CommandError} When the node stops.
 */
export async function chatByLines(parts: LineParts): Promise<void> {
  const { signal, conversation } = parts;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  const leave = () => stop();
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  const printed = new Set<string>();
  try {
    await printNew(parts, printed);
    await warn(parts, parts.challenges.lines);
    await conversation.read();
    const followed = follow(parts, printed);
    await Promise.race([sendLines(parts, printed), followed, stopped]);
    // What it says after the end is heard by nobody.
    followed.catch(() => {});
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
