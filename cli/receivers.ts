/**
 * Whom the words behind `--to` mean: peers, and all who are in a group.
 *
 * @module
 */
import type { AdminClient } from "./admin_client.ts";
import { failure, usageError } from "./command_error.ts";

const MAX_RECEIVERS = 256;

/**
 * Words for peers, each once. A word is a group where there is one of that name, and a peer otherwise; the node knows
 * whom that means.
 * @throws {CommandError} Exit code 2 for a name that is both, or too many; 1 for a group without members.
 */
export async function receiversOf(
  node: AdminClient,
  words: readonly string[],
): Promise<readonly string[]> {
  const { groups } = await node.groups();
  const named = new Map(groups.map(({ group, members }) => [group, members]));
  const receivers = new Set<string>();
  for (const word of words) {
    const members = named.get(word);
    if (members === undefined) {
      receivers.add(word);
      continue;
    }
    await checkUnambiguous(node, word);
    if (members.length === 0) throw failure(`Nobody is in the group ${word}`);
    for (const member of members) receivers.add(member);
  }
  if (receivers.size > MAX_RECEIVERS) throw usageError(`--to: at most ${MAX_RECEIVERS} peers`);
  return [...receivers];
}

/** Files must not go to a group where one peer was meant. */
async function checkUnambiguous(node: AdminClient, word: string): Promise<void> {
  const { peers } = await node.peers();
  if (peers.some(({ petname }) => petname === word)) {
    throw usageError(`--to: ${word} is a peer and a group; name the peer by its id`);
  }
}
