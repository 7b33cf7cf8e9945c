/**
 * Messages in blocks, so that what has not changed is not drawn anew.
 *
 * @module
 */
import type { HistoryMessage } from "../../../protocol/messaging_api.ts";

export const BLOCK_MESSAGES = 12;

export interface Block {
  readonly key: string;
  readonly messages: readonly HistoryMessage[];
}

/** Cuts messages into blocks. */
export function cutBlocks(messages: readonly HistoryMessage[]): Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < messages.length; at += BLOCK_MESSAGES) {
    const part = messages.slice(at, at + BLOCK_MESSAGES);
    blocks.push({ key: part[0]!.id, messages: part });
  }
  return blocks;
}

/**
 * Puts the newest messages, as they are now, in the place of those that were read before. Blocks and messages that are
 * the same stay the same objects.
 */
export function mergeNewest(
  blocks: readonly Block[],
  newest: readonly HistoryMessage[],
): readonly Block[] {
  const [first] = newest;
  if (first === undefined) return [];
  const at = blocks.findIndex(({ messages }) => messages.some(({ id }) => id === first.id));
  if (at === -1) return cutBlocks(newest);
  const old = blocks.slice(at).flatMap(({ messages }) => messages);
  const kept = old.slice(0, old.findIndex(({ id }) => id === first.id));
  const known = new Map(old.map((message) => [message.id, message]));
  const same = (message: HistoryMessage) => {
    const before = known.get(message.id);
    return before !== undefined && JSON.stringify(before) === JSON.stringify(message)
      ? before
      : message;
  };
  const fresh = cutBlocks([...kept, ...newest.map(same)]).map((block, index) => {
    const before = blocks[at + index];
    const isSame = before !== undefined && before.messages.length === block.messages.length &&
      block.messages.every((message, place) => message === before.messages[place]);
    return isSame ? before : block;
  });
  return [...blocks.slice(0, at), ...fresh];
}
