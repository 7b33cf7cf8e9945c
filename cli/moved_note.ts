/**
 * Telling that a command was about another identity than the one that was written.
 *
 * @module
 */
import { parsePeerRef } from "../protocol/peer_name.ts";
import type { Output } from "./output.ts";

/** Says on standard error that the id or link that was written stands for a former identity of `peer`. */
export async function noteMove(err: Output, { word, peer }: { word: string; peer: string }) {
  const ref = parsePeerRef(word);
  const id = ref.kind === "link" ? ref.link.nodeId : ref.kind === "id" ? ref.id : peer;
  if (id !== peer) await err.line({ text: `${id} has moved to ${peer}`, style: "yellow" });
}
