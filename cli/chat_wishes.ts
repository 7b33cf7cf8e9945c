/**
 * Does what a person asks for in a conversation.
 *
 * @module
 */
import type { ChatConversation } from "./chat_conversation.ts";
import { CommandError, failure } from "./command_error.ts";
import type { PendingChallenges } from "./pending_challenges.ts";
import { CHAT_HELP, type ChatWish, readWish } from "./chat_words.ts";

/** What is said of it, and whether the conversation is left. */
export interface WishEnd {
  readonly said: readonly string[];
  readonly leaves?: true;
}

export interface WishParts {
  readonly conversation: ChatConversation;
  readonly challenges: Pick<PendingChallenges, "checkText">;
  absolutePath(path: string): Promise<string>;
}

/**
 * Does what was typed.
 * @throws {CommandError} Where it could not be done; what was typed is not used up then.
 */
export async function fulfil(parts: WishParts, typed: string): Promise<WishEnd> {
  const wish = readWish(typed);
  const { conversation, challenges } = parts;
  if ("text" in wish) challenges.checkText(wish.text);
  switch (wish.kind) {
    case "wrong":
      throw failure(wish.why);
    case "help":
      return { said: CHAT_HELP };
    case "quit":
      return { said: [], leaves: true };
    case "text":
      if (!wish.text.isWellFormed()) throw failure("This text is not well-formed Unicode");
      await conversation.send(wish.text);
      return { said: [] };
    case "file": {
      await conversation.share(await parts.absolutePath(wish.path));
      return {
        said: ["It is offered once it was read; 'openred-node shares' shows how far it is"],
      };
    }
    default:
      await change(conversation, wish);
      return { said: [] };
  }
}

type Change = Extract<ChatWish, { readonly number: number }>;

async function change(conversation: ChatConversation, wish: Change): Promise<void> {
  const message = conversation.withNumber(wish.number);
  if (message === null) throw failure(`There is no message with the number ${wish.number} here`);
  const { id } = message;
  if (wish.kind === "reply") return await conversation.send(wish.text, { reply_to: id });
  if (wish.kind === "edit") return await conversation.send(wish.text, { edits: id });
  if (wish.kind === "remove") return await conversation.change("/remove", { id });
  await conversation.change("/react", { id, reaction: wish.text });
}

/** What to say of something that failed. */
export function failedText(error: unknown): string {
  return error instanceof CommandError ? error.message : "That did not work";
}

/** What to say when the conversation is left. */
export function leavingText(conversation: ChatConversation): string | null {
  const count = conversation.waiting();
  if (count === 0) return null;
  const messages = count === 1 ? "1 message waits" : `${count} messages wait`;
  return `${messages} for ${conversation.name}; the node goes on sending until it takes them`;
}
