/**
 * Messages of a conversation, for people.
 *
 * @module
 */
import type { DeliveryState, HistoryMessage, HistoryView } from "../protocol/messaging_api.ts";
import { type Cell, type Output, shortId, showInstant } from "./output.ts";
import { sanitizeLines } from "./sanitize.ts";

const STATES: Readonly<Record<DeliveryState, Cell>> = {
  waiting: { text: "waiting", style: "yellow" },
  sent: { text: "sent", style: "yellow" },
  delivered: { text: "delivered", style: "dim" },
  read: { text: "read", style: "green" },
  given_up: { text: "given up", style: "red" },
};

/** What a message says, or why it says nothing. */
export function contentOf(message: HistoryMessage): string {
  if (message.damaged) return "(this message was changed on disk; its text is lost)";
  if (message.expired) return "(this message was there for a while only)";
  if (message.removed) return "(this message was removed)";
  return message.text;
}

/** Prints a message under a line that says whose it is. No line of a text can pass for another message. */
export async function printMessage(
  out: Output,
  { view, message, number }: {
    readonly view: HistoryView;
    readonly message: HistoryMessage;
    /** What stands for its id. */
    readonly number?: number;
  },
): Promise<void> {
  const { missing_before: missing = 0, conversation, from } = message;
  if (missing > 0) {
    const text = `  … ${missing} message${missing === 1 ? "" : "s"} did not come yet`;
    await out.line({ text, style: "yellow" });
  }
  const isOwn = message.state[conversation] !== undefined;
  const name = isOwn ? "you" : view.petname ?? shortId(from);
  const [state] = Object.values(message.state);
  await out.line(
    { text: name, style: isOwn ? "bold" : "cyan" },
    { text: `  ${showInstant(message.sent_at)}  `, style: "dim" },
    ...(isOwn && state !== undefined ? [STATES[state]] : []),
    { text: message.edited ? "  edited" : "", style: "dim" },
    { text: `  ${number ?? message.id}`, style: "dim" },
  );
  if (message.reply_to !== undefined) {
    const answered = message.reply_to ?? "a message that is not here";
    await out.line({ text: `  ↳ answers ${answered}`, style: "dim" });
  }
  for (const line of sanitizeLines(contentOf(message))) {
    await out.line({ text: "  │ ", style: "dim" }, line);
  }
  for (const [who, reaction] of Object.entries(message.reactions ?? {})) {
    const by = who === conversation ? view.petname ?? shortId(who) : "you";
    await out.line({ text: "  └ ", style: "dim" }, reaction, { text: `  ${by}`, style: "dim" });
  }
}
