/**
 * `openred-node peer …`: who peers are and what each may do.
 *
 * @module
 */
import type { PeerDetail } from "../protocol/admin_api.ts";
import { PEER_WORD, readPeer, readPermission, readPetnameWord } from "./arguments.ts";
import type { AdminClient } from "./admin_client.ts";
import { type CommandContext, defineCommand, type NodeCommand } from "./command.ts";
import { noteMove } from "./moved_note.ts";
import { valueOption } from "./options.ts";
import { parsePermission } from "./option_values.ts";
import { printPeer, printPeers } from "./peer_view.ts";
import { forceOption, PERMISSION_WORD } from "./permission_word.ts";
import { TIME_OPTIONS } from "./run_options.ts";

async function show(
  context: Pick<CommandContext<typeof TIME_OPTIONS>, "options" | "words" | "out" | "err">,
  peer: PeerDetail,
): Promise<void> {
  const { options, words: [word = ""], out, err } = context;
  await noteMove(err, { word, peer: peer.node_id });
  if (options.json) await out.json(peer);
  else await printPeer(out, peer);
}

/** A command about one peer that takes nothing else. */
function simple(
  command: { name: string; summary: string; details: string },
  run: (node: AdminClient, peer: string) => Promise<PeerDetail>,
): NodeCommand {
  return defineCommand({
    ...command,
    words: [PEER_WORD],
    options: TIME_OPTIONS,
    async run(context) {
      const peer = readPeer(context.words[0]);
      await show(context, await run(await context.openNode(), peer));
    },
  });
}

function decision(
  command: { name: "allow" | "deny"; summary: string; details: string },
): NodeCommand {
  return defineCommand({
    ...command,
    name: `peer ${command.name}`,
    words: [PEER_WORD, PERMISSION_WORD],
    options: { ...TIME_OPTIONS, force: forceOption },
    async run(context) {
      const { words, options: { force } } = context;
      const input = { peer: readPeer(words[0]), permission: readPermission(words[1]), force };
      await show(context, await (await context.openNode()).changePeer(command.name, input));
    },
  });
}

const listCommand = defineCommand({
  name: "peer list",
  summary: "list peers, what they are called and what they may do",
  details:
    "NAME is what you call a peer; what it claims to be, anybody can claim. Compare whole ids.",
  words: [],
  options: TIME_OPTIONS,
  async run({ options, out, openNode }) {
    const view = await (await openNode()).peers();
    if (options.json) return await out.json(view);
    await printPeers(out, view.peers);
  },
});

const resetCommand = defineCommand({
  name: "peer reset",
  summary: "take back what was allowed or denied to a peer",
  details: "What its groups may stays. Without --permission: everything about the peer itself.",
  words: [PEER_WORD],
  options: {
    ...TIME_OPTIONS,
    permission: valueOption<string | null>({
      flag: "permission",
      value: "PERMISSION",
      summary: "only this permission",
      defaultText: "all",
      fallback: null,
      parse: parsePermission,
    }),
  },
  async run(context) {
    const input = { peer: readPeer(context.words[0]), permission: context.options.permission };
    await show(context, await (await context.openNode()).changePeer("reset", input));
  },
});

const nameCommand = defineCommand({
  name: "peer name",
  formerName: "alias",
  summary: "give a peer a name of your own",
  details:
    "Only this node knows the name, and it stands for the peer wherever a command takes one.\n" +
    'Capitals do not tell names apart. An empty name ("") takes it back.',
  words: [PEER_WORD, { name: "name", summary: "1 to 64 characters" }],
  options: TIME_OPTIONS,
  async run(context) {
    const { words } = context;
    const input = { peer: readPeer(words[0]), name: readPetnameWord(words[1]) };
    await show(context, await (await context.openNode()).changePeer("name", input));
  },
});

/** All commands about peers. */
export const PEER_COMMANDS: readonly NodeCommand[] = [
  listCommand,
  simple({
    name: "peer show",
    summary: "print all about one peer",
    details: "May = what is allowed to it and to its groups, without what is denied to it.",
  }, (node, peer) => node.showPeer(peer)),
  decision({
    name: "allow",
    summary: "allow a peer something",
    details: "Replaces an earlier deny. Connecting or writing to a peer allows it message.",
  }),
  decision({
    name: "deny",
    summary: "deny a peer something",
    details: "Wins over what its groups may, and over connecting or writing to it.",
  }),
  resetCommand,
  simple({
    name: "peer block",
    summary: "refuse a peer as if nobody knew it",
    details:
      "Ends its sessions and drops its pairs and the messages that wait for it. It is told\n" +
      "nothing. What it may do is kept for the day it is unblocked.",
  }, (node, peer) => node.changePeer("block", { peer })),
  simple({
    name: "peer unblock",
    summary: "take a block back",
    details: "Connect or write to the peer to meet it again.",
  }, (node, peer) => node.changePeer("unblock", { peer })),
  nameCommand,
  simple({
    name: "peer forget",
    summary: "make a stranger of a peer",
    details:
      "Forgets its record, its name, what it may do, its pairs and the messages that wait for\n" +
      "it. A block stays, and so do the messages that came from it.",
  }, (node, peer) => node.changePeer("forget", { peer })),
];
