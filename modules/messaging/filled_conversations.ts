/**
 * Messages of versions that knew no conversations: each belongs to the one with its peer, or the id that followed it.
 *
 * @module
 */
import type { ModuleTables, NodeId } from "../api.ts";

/** Gives every message its conversation. Done once; killed meanwhile, it is done again. */
export async function fillConversations(tables: ModuleTables): Promise<void> {
  const boxes = ["messaging_inbox", "messaging_outbox"];
  const left = boxes.map((box) => ({
    box,
    peers: tables.statement(`SELECT DISTINCT peer FROM ${box} WHERE conversation = ''`).all()
      .map(({ peer }) => peer as NodeId),
  })).filter(({ peers }) => peers.length > 0);
  if (left.length === 0) return;
  await tables.write((peersNow) => {
    for (const { box, peers } of left) {
      const sentAt = box === "messaging_inbox" ? ", sent_at = received_at" : "";
      // All rows are read once; those of peers that were followed are then found by their index.
      tables.statement(`UPDATE ${box} SET conversation = peer${sentAt} WHERE conversation = ''`)
        .run();
      for (const peer of peers) {
        const last = peersNow.lastId(peer);
        if (last === peer) continue;
        tables.statement(`UPDATE ${box} SET conversation = ? WHERE conversation = ? AND +peer = ?`)
          .run(last, peer, peer);
      }
    }
  });
}
