/**
 * Messages of a conversation, for people.
 *
 * @module
 */
import type { DeliveryState, HistoryMessage, HistoryView } from "../protocol/messaging_api.ts";
import { type Cell, type Output, shortId } from "./output.ts";
import { sanitizeLine, sanitizeLines } from "../protocol/safe_text.ts";
import { cutText, displayWidth, wrapText } from "./text_width.ts";

const STATES: Readonly<Record<DeliveryState, Cell>> = {
  waiting: { text: "waiting", style: "yellow" },
  sent: { text: "sent", style: "yellow" },
  delivered: { text: "delivered", style: "dim" },
  read: { text: "read", style: "green" },
  given_up: { text: "given up", style: "red" },
};

/** What has a text, or had one. */
type Said = Pick<HistoryMessage, "text" | "damaged" | "expired" | "removed">;

const MARK = "  │ ";
/** What the name of somebody, or a reaction, may take of a line. */
const MAX_NAME_WIDTH = 24;
const MIN_WIDTH = 8;

/** What a message says, or why it says nothing. */
export function contentOf(message: Said): string {
  if (message.damaged) return "(this message was changed on disk; its text is lost)";
  if (message.expired) return "(this message was there for a while only)";
  if (message.removed) return "(this message was removed)";
  return message.text;
}

/**
 * Prints what a message says. Every line that a terminal shows of it is marked, the parts of one that is too long for it
 * as well: so no text can pass for another message.
 */
export async function printText(out: Output, message: Said): Promise<void> {
  const width = Math.max(MIN_WIDTH, (out.columns ?? Infinity) - displayWidth(MARK));
  for (const line of sanitizeLines(contentOf(message))) {
    for (const part of wrapText(line, width)) await out.line({ text: MARK, style: "dim" }, part);
  }
}

/** A name, or what else stands beside others' lines, cut so that its line is none of two. */
export function shortName(name: string): string {
  return cutText(sanitizeLine(name), MAX_NAME_WIDTH);
}

/** How somebody is called who wrote in a conversation. */
export function nameOf({ petname, group }: HistoryView, id: string): string {
  return (group === undefined ? petname : group.petnames[id]) ?? shortId(id);
}

/** What became of an own message; in a group, how often each. */
function statesOf({ state, group }: HistoryMessage): Cell[] {
  const all = Object.values(state);
  if (group === undefined) return all.map((one) => STATES[one]);
  return [...Map.groupBy(all, (one) => one)].map(([one, { length }]) => ({
    ...STATES[one],
    text: `${STATES[one].text} ${length}`,
  }));
}

/** Prints a message under a line that says whose it is. */
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
  const isOwn = view.group === undefined
    ? message.state[conversation] !== undefined
    : from === view.group.you;
  const name = isOwn ? "you" : nameOf(view, from);
  await out.flow([
    { text: shortName(name), style: isOwn ? "bold" : "cyan" },
    { text: out.instant(message.sent_at), style: "dim" },
    ...(isOwn ? statesOf(message) : []),
    { text: message.edited ? "edited" : "", style: "dim" },
    { text: String(number ?? message.id), style: "dim" },
  ]);
  if (message.reply_to !== undefined) {
    const answered = message.reply_to ?? "a message that is not here";
    await out.line({ text: `  ↳ answers ${answered}`, style: "dim" });
  }
  if (message.two_stories) {
    const text = "  (its author sent another message under the same number)";
    await out.line({ text, style: "red" });
  }
  await printText(out, message);
  for (const [who, reaction] of Object.entries(message.reactions ?? {})) {
    const isOwnReaction = view.group === undefined ? who !== conversation : who === view.group.you;
    const by = isOwnReaction ? "you" : nameOf(view, who);
    await out.line({ text: "  └ ", style: "dim" }, shortName(reaction), {
      text: `  ${shortName(by)}`,
      style: "dim",
    });
  }
}
