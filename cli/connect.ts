/**
 * `openred-node connect <peer>`.
 *
 * @module
 */
import { parsePeerRef } from "../protocol/peer_name.ts";
import { PEER_WORD, readPeerOrInput } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { noteMove } from "./moved_note.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { showRoundTrip } from "./output.ts";
import { sayWait, shownPeer, waitOption } from "./wait_option.ts";

/** Makes a session with a peer. */
export const connectCommand = defineCommand({
  name: "connect",
  summary: "accept a peer and make a session with it",
  details: "Allows the peer message, unless that was denied to it.\n" +
    "Asks a directory for an introduction unless the two know each other; the one that a\n" +
    "contact link names is asked as well, about this peer only.\n" +
    "With an invitation the two accept each other at once; without one, the peer hears of you as a\n" +
    "stranger until it accepts you as well.\n" +
    "Write - to read the link from standard input, where other users of the machine cannot see it.\n" +
    "Fails if there is no confirmed session when the wait is over; the node goes on trying.",
  words: [PEER_WORD],
  options: { ...COMMON_OPTIONS, wait: waitOption(30) },
  async run({ options, words, out, err, readInput, openNode }) {
    const peer = await readPeerOrInput(words[0], { readInput });
    const node = await openNode();
    await sayWait({ err, options }, { what: shownPeer(peer), waitS: options.wait });
    const session = await node.connect({ peer, waitMs: options.wait * 1000 });
    const ref = parsePeerRef(peer);
    const isInvited = ref.kind === "link" && ref.link.invitation !== null;
    await noteMove(err, { word: peer, peer: session.peer });
    if (options.json) return await out.json(session);
    await out.pairs([
      ["Connected", { text: session.peer, style: "bold" }],
      ...(isInvited ? [["Invitation", "accepted at both ends"] as const] : []),
      ["Method", `${session.method}, epoch ${session.epoch}`],
      ["Suite", {
        text: session.suite,
        style: session.post_quantum ? "green" : "yellow",
      }],
      ["Post-quantum", session.post_quantum ? "yes" : "no"],
      ["Round trip", showRoundTrip(session.rtt_ms)],
      ["Session", session.session_id],
    ]);
  },
});
