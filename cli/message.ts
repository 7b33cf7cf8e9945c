/**
 * `openred-node message …`: what becomes of a message later.
 *
 * @module
 */
import { CONVERSATION_WORD, readConversation } from "./arguments.ts";
import { usageError } from "./command_error.ts";
import { type ArgumentSpec, defineCommand, type NodeCommand } from "./command.ts";
import { MESSAGE_WORD, readMessageWord } from "./message_words.ts";
import { COMMON_OPTIONS } from "./run_options.ts";

const MAX_REACTION_BYTES = 64;

function readReaction(word = ""): string {
  const isShort = new TextEncoder().encode(word).length <= MAX_REACTION_BYTES;
  if (isShort && word.isWellFormed()) return word;
  throw usageError(`<reaction>: expected at most ${MAX_REACTION_BYTES} bytes of text`);
}

function readTell(word = ""): boolean | null {
  if (word === "default") return null;
  if (word === "on" || word === "off") return word === "on";
  throw usageError("<receipts>: expected on, off or default");
}

/** A command that posts something and says that it is done. */
function messageCommand(
  command: { name: string; summary: string; details: string; words: readonly ArgumentSpec[] },
  post: (words: readonly string[]) => { path: string; body: unknown; done: string },
): NodeCommand {
  return defineCommand({
    ...command,
    name: `message ${command.name}`,
    options: COMMON_OPTIONS,
    async run({ options, words, out, openNode }) {
      readConversation(words[0]);
      const { path, body, done } = post(words);
      const answer = await (await openNode()).messaging("POST", path, body);
      if (options.json) await out.json(answer);
      else await out.line(done);
    },
  });
}

export const MESSAGE_COMMANDS: readonly NodeCommand[] = [
  messageCommand(
    {
      name: "remove",
      summary: "remove an own message, here and at all who have it",
      details: "One that waits is taken back. What a peer has seen it may remember; one that was " +
        "forgotten here is told nothing.",
      words: [CONVERSATION_WORD, MESSAGE_WORD],
    },
    ([peer, message]) => {
      const id = readMessageWord(message);
      return { path: "/remove", body: { peer, id }, done: `Removed: ${id}` };
    },
  ),
  messageCommand(
    {
      name: "react",
      summary: "react to a message",
      details: "The latest reaction counts; an empty one ('') takes it back.",
      words: [CONVERSATION_WORD, MESSAGE_WORD, { name: "reaction", summary: "such as 👍" }],
    },
    ([peer, message, word]) => {
      const [id, reaction] = [readMessageWord(message), readReaction(word)];
      return { path: "/react", body: { peer, id, reaction }, done: "Done" };
    },
  ),
  messageCommand(
    {
      name: "read",
      summary: "note that a peer's messages were read, up to one of them or all",
      details: "The peer is told, unless that is switched off.",
      words: [CONVERSATION_WORD, { ...MESSAGE_WORD, isOptional: true }],
    },
    ([peer, message]) => ({
      path: "/read",
      body: { peer, ...(message === undefined ? {} : { upto: readMessageWord(message) }) },
      done: "Noted",
    }),
  ),
  messageCommand(
    {
      name: "receipts",
      summary: "say whether a peer is told what was read",
      details: "default: as the option receipts of the module messaging says:\n" +
        "  openred-node module set messaging receipts false",
      words: [CONVERSATION_WORD, { name: "receipts", summary: "on, off or default" }],
    },
    ([peer, word]) => ({
      path: "/receipts",
      body: { peer, tell: readTell(word) },
      done: "Noted",
    }),
  ),
];
