/**
 * A conversation on a screen of so many columns and rows. Whatever others wrote stands behind a bar of its own.
 *
 * @module
 */
import type { DeliveryState, HistoryMessage } from "../protocol/messaging_api.ts";
import type { ChatConversation, Presence } from "./chat_conversation.ts";
import type { LaidOutText } from "./chat_editor.ts";
import { contentOf } from "./message_lines.ts";
import { type Cell, shortId } from "./output.ts";
import type { TerminalSize } from "../ports/terminal.ts";
import { sanitizeLine, sanitizeLines } from "../protocol/safe_text.ts";
import { cutText, displayWidth, wrapText } from "./text_width.ts";

export type ScreenLine = readonly Cell[];

/** What stands before each line of a text, and before what is being written. */
const BAR = "│ ";
const PROMPT = "> ";
/** What of one text is shown here. */
const MAX_SHOWN_LENGTH = 20_000;
const MAX_SHOWN_LINES = 300;
const MIN_TEXT_WIDTH = 8;

/** The worst that became of a message counts for all of its recipients. */
const STATES: readonly (readonly [DeliveryState, Cell])[] = [
  ["given_up", { text: "✗ given up", style: "red" }],
  ["waiting", { text: "… waits", style: "yellow" }],
  ["sent", { text: "✓ sent", style: "yellow" }],
  ["delivered", { text: "✓✓", style: "dim" }],
  ["read", { text: "✓✓ read", style: "green" }],
];

function ticksOf({ state }: HistoryMessage): Cell {
  const states = new Set(Object.values(state));
  return STATES.find(([name]) => states.has(name))?.[1] ?? { text: "" };
}

/** A text in lines behind its bar. */
function textLines(text: string, width: number): ScreenLine[] {
  const room = Math.max(MIN_TEXT_WIDTH, width - displayWidth(BAR));
  const shown = text.slice(0, MAX_SHOWN_LENGTH);
  const lines = sanitizeLines(shown).flatMap((line) => wrapText(line, room));
  const isWhole = shown.length === text.length && lines.length <= MAX_SHOWN_LINES;
  const bar: Cell = { text: BAR, style: "dim" };
  return [
    ...lines.slice(0, MAX_SHOWN_LINES).map((line): ScreenLine => [bar, { text: line }]),
    ...(isWhole ? [] : [[{ text: "  … the rest: openred-node history", style: "dim" } as const]]),
  ];
}

/** What was laid out before, while neither the message nor the width has changed. */
export type LaidOutMessages = Map<string, { readonly key: string; readonly lines: ScreenLine[] }>;

/** A message in lines. */
export function messageLines(
  conversation: ChatConversation,
  message: HistoryMessage,
  width: number,
): ScreenLine[] {
  const isOwn = conversation.isOwn(message);
  const lines: ScreenLine[] = [];
  const missing = message.missing_before ?? 0;
  if (missing > 0) {
    const text = `  … ${missing} message${missing === 1 ? "" : "s"} did not come yet`;
    lines.push([{ text, style: "yellow" }]);
  }
  lines.push([
    { text: conversation.nameOf(message.from), style: isOwn ? "bold" : "cyan" },
    {
      text: `  ${conversation.instant(message.sent_at)}  ${conversation.numberOf(message)}  `,
      style: "dim",
    },
    ...(isOwn ? [ticksOf(message)] : []),
    { text: message.edited ? "  edited" : "", style: "dim" },
  ]);
  if (message.reply_to !== undefined) {
    lines.push([{ text: answerOf(conversation, message), style: "dim" }]);
  }
  lines.push(...textLines(contentOf(message), width));
  for (const [who, reaction] of Object.entries(message.reactions ?? {})) {
    lines.push([
      { text: "└ ", style: "dim" },
      { text: reaction },
      { text: `  ${conversation.nameOf(who)}`, style: "dim" },
    ]);
  }
  return lines;
}

function answerOf(conversation: ChatConversation, { reply_to: id }: HistoryMessage): string {
  const answered = conversation.view.messages.find((message) => message.id === id);
  if (answered === undefined) return "↳ answers a message that is not here";
  const [begin = ""] = sanitizeLines(contentOf(answered));
  return `↳ answers ${conversation.numberOf(answered)}: ${cutText(begin.slice(0, 200), 40)}`;
}

/** All messages in lines, with a mark before the first that is unread. */
export function conversationLines(
  conversation: ChatConversation,
  { width, held }: { readonly width: number; readonly held: LaidOutMessages },
): ScreenLine[] {
  const { messages, older } = conversation.view;
  const lines: ScreenLine[] = [];
  if (older !== null) lines.push([{ text: "  … older messages", style: "dim" }]);
  if (messages.length === 0) lines.push([{ text: "  No messages yet", style: "dim" }]);
  for (const message of messages) {
    if (message.id === conversation.firstUnread) {
      lines.push([{ text: "── not read yet ──", style: "yellow" }]);
    }
    const key = `${width} ${JSON.stringify(message)}`;
    const before = held.get(message.id);
    const own = before?.key === key ? before.lines : messageLines(conversation, message, width);
    held.set(message.id, { key, lines: own });
    lines.push(...own);
  }
  return lines;
}

/** What a screen shows. */
export interface ChatPicture {
  readonly conversation: ChatConversation;
  readonly presence: Presence;
  readonly lines: readonly ScreenLine[];
  /** How many lines the view is above the end. */
  readonly offset: number;
  readonly notice: Cell;
  /** What is laid over the messages, such as the help. */
  readonly over: readonly string[];
  readonly input: LaidOutText;
}

/** How wide a text that is being written may be. */
export function inputWidth({ columns }: TerminalSize): number {
  return Math.max(MIN_TEXT_WIDTH, columns - displayWidth(PROMPT) - 1);
}

/** How many rows are left for messages. */
export function messageRows({ rows }: TerminalSize, inputLines: number): number {
  return Math.max(0, rows - 2 - inputRows({ rows }, inputLines));
}

function inputRows({ rows }: Pick<TerminalSize, "rows">, lines: number): number {
  return Math.max(1, Math.min(lines, Math.floor(rows / 3)));
}

/** The rows of a screen, and where its cursor stands. */
export function drawChat(
  picture: ChatPicture,
  size: TerminalSize,
): { readonly rows: readonly ScreenLine[]; readonly row: number; readonly column: number } {
  const { lines, offset, over, input } = picture;
  const shownInput = inputRows(size, input.lines.length);
  const first = Math.max(0, Math.min(input.row - shownInput + 1, input.lines.length - shownInput));
  const room = messageRows(size, input.lines.length);
  const end = Math.max(0, lines.length - offset);
  const seen = lines.slice(Math.max(0, end - room), end);
  const laid = over.slice(0, room).map((text): ScreenLine => [{ text, style: "bold" }]);
  const body = [...seen.slice(0, Math.max(0, room - laid.length)), ...laid];
  const blank = Array.from({ length: room - body.length }, (): ScreenLine => []);
  const rows: ScreenLine[] = [
    headOf(picture),
    ...body,
    ...blank,
    [picture.notice],
    ...input.lines.slice(first, first + shownInput).map((text, index): ScreenLine => [
      { text: first + index === 0 ? PROMPT : "  ", style: "bold" },
      { text },
    ]),
  ].slice(-size.rows);
  const row = rows.length - shownInput + (input.row - first);
  return { rows: rows.map((line) => fit(line, size.columns)), row, column: 2 + input.column };
}

function headOf({ conversation, presence }: ChatPicture): ScreenLine {
  const id = conversation.view.conversation;
  const waiting = conversation.waiting();
  const where: Cell = presence === null
    ? { text: "" }
    : presence.here
    ? { text: "  ● here", style: "green" }
    : { text: "  ○ away", style: "yellow" };
  return [
    { text: conversation.name, style: "bold" },
    { text: conversation.name === shortId(id) ? "" : `  ${shortId(id)}`, style: "dim" },
    where,
    { text: waiting === 0 ? "" : `  ${waiting} wait`, style: "yellow" },
    { text: "  /help", style: "dim" },
  ];
}

/** What of a line fits so many columns, each part made safe before it is measured. */
function fit(line: ScreenLine, columns: number): ScreenLine {
  let left = columns;
  const cells: Cell[] = [];
  for (const cell of line) {
    const text = sanitizeLine(cell.text);
    const width = displayWidth(text);
    if (left <= 0) break;
    cells.push({ ...cell, text: width <= left ? text : cutText(text, left) });
    left -= width;
  }
  return cells;
}
