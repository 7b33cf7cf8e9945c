/**
 * `openred-node connect <peer>`.
 *
 * @module
 */
import { parsePeerRef, parsePetname } from "../protocol/peer_name.ts";
import { PEER_WORD, readPeerOrInput } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { noteMove } from "./moved_note.ts";
import { valueOption } from "./options.ts";
import { COMMON_OPTIONS } from "./run_options.ts";
import { showRoundTrip } from "./output.ts";
import { sayWait, shownPeer, waitOption } from "./wait_option.ts";

/** Makes a session with a peer. */
export const connectCommand = defineCommand({
  name: "connect",
  summary: "accept a peer and make a session with it",
  details: "Allows the peer message and files, unless that was denied to it.\n" +
    "Asks a directory for an introduction unless the two know each other; the one that a\n" +
    "contact link names is asked as well, about this peer only.\n" +
    "With an invitation the two accept each other at once; without one, the peer hears of you as a\n" +
    "stranger until it accepts you as well.\n" +
    "A link that a chat has broken into several words is put together again.\n" +
    "Write - to read the link from standard input, where other users of the machine cannot see it.\n" +
    "Fails if there is no confirmed session when the wait is over; the node goes on trying.",
  words: [{ ...PEER_WORD, isRepeated: true }],
  options: {
    ...COMMON_OPTIONS,
    name: valueOption<string | null>({
      flag: "name",
      value: "NAME",
      summary: "what you call the peer from now on",
      defaultText: "the name it has",
      fallback: null,
      parse: parsePetname,
    }),
    wait: waitOption(30),
  },
  async run({ options, words, out, err, readInput, openNode }) {
    const peer = await readPeerOrInput(words.join(" "), { readInput });
    const node = await openNode();
    await sayWait({ err, options }, { what: shownPeer(peer), waitS: options.wait });
    const session = await node.connect({
      peer,
      waitMs: options.wait * 1000,
      name: options.name,
    });
    const ref = parsePeerRef(peer);
    const isInvited = ref.kind === "link" && ref.link.invitation !== null;
    await noteMove(err, { word: peer, peer: session.peer });
    if (options.json) return await out.json(session);
    await out.pairs([
      ["Connected", { text: options.name ?? session.peer, style: "bold" }],
      ...(options.name === null ? [] : [["Node", session.peer] as const]),
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
