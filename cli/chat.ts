/**
 * `openred-node chat`.
 *
 * @module
 */
import { CONVERSATION_WORD, readConversation } from "./arguments.ts";
import { ChatConversation } from "./chat_conversation.ts";
import { chatByLines } from "./chat_lines.ts";
import { type ChatParts, ChatSession } from "./chat_session.ts";
import { leavingText } from "./chat_wishes.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import type { OptionSpecs } from "./options.ts";
import { PendingChallenges } from "./pending_challenges.ts";
import { TIME_OPTIONS } from "./run_options.ts";
import { sanitizeLines } from "../protocol/safe_text.ts";

type ChatContext = CommandContext<OptionSpecs>;

async function chatOnScreen(context: ChatContext, parts: ChatParts): Promise<boolean> {
  const terminal = context.openTerminal();
  if (terminal === null) return false;
  const session = new ChatSession(terminal, parts);
  try {
    const { isKept } = await session.run();
    terminal.close();
    if (!isKept) await printUnsaved(context, session.unsaved);
  } catch (error) {
    terminal.close();
    await printUnsaved(context, session.unsaved);
    throw error;
  }
  return true;
}

/** What was being written and is kept nowhere else. */
async function printUnsaved({ err, out }: ChatContext, text: string): Promise<void> {
  if (text === "") return;
  await err.line({ text: "What you were writing could not be kept as a draft:", style: "yellow" });
  for (const line of sanitizeLines(text)) await out.line(line);
}

/** Writes with somebody. */
export const chatCommand = defineCommand({
  name: "chat",
  summary: "write with a peer or a group, live",
  details:
    "The whole screen of a terminal: the conversation above, below it what you write. Enter sends,\n" +
    "Alt-Enter begins a line, arrows and page keys look back, /help lists the commands, Ctrl-C\n" +
    "leaves. Beside own messages stands what became of them: waits, ✓ sent, ✓✓ delivered, ✓✓ read.\n" +
    "What is not sent yet is kept as a draft. Where there is no terminal, or TERM is dumb, each line\n" +
    "of standard input is a message, and what comes is printed.",
  words: [CONVERSATION_WORD],
  options: { data: TIME_OPTIONS.data, utc: TIME_OPTIONS.utc },
  async run(context) {
    const word = readConversation(context.words[0]);
    const node = await context.openNode();
    // From before the conversation is read, so that nothing falls between.
    const events = await node.events();
    const conversation = new ChatConversation(node, {
      word,
      instant: (atMs) => context.out.instant(atMs),
    });
    await conversation.open();
    const challenges = await PendingChallenges.load(node);
    const parts = { ...context, conversation, events, challenges };
    if (!await chatOnScreen(context, parts)) await chatByLines(parts);
    const left = leavingText(conversation);
    if (left !== null) await context.err.line({ text: left, style: "yellow" });
  },
});
