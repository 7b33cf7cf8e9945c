import { assertEquals } from "@std/assert";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import { ContactRequests } from "../../../peer/modules/contact_requests.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { TestParts } from "../parts.ts";

const [OWN, FIRST, LAST, ...OTHERS] = Array.from(
  { length: 53 },
  (_, index) => encodeNodeId(new Uint8Array(32).fill(index + 1)),
) as [NodeId, NodeId, NodeId, ...NodeId[]];

Deno.test("ContactRequests keeps 20 messages of a stranger, and 1,000 of all who wait for a decision", async () => {
  using parts = await TestParts.create();
  const { store, clock, events, permissions } = parts;
  const requests = new ContactRequests({ ...parts, book: new PeerBook(parts, OWN) });
  const insert = store.statement(
    "INSERT INTO inbox (peer, id, text, received_at, request) VALUES (?, ?, 'x', 0, 1)",
  );
  const leave = (peer: NodeId, count: number) => {
    for (let at = 0; at < count; at++) insert.run(peer, crypto.randomUUID());
  };
  leave(FIRST, 19);
  assertEquals(requests.hasRoomFor(FIRST), true);
  leave(FIRST, 1);
  assertEquals([requests.hasRoomFor(FIRST), requests.hasRoomFor(LAST)], [false, true]);
  for (const peer of OTHERS.slice(0, 48)) leave(peer, 20);
  leave(OTHERS[48]!, 19);
  assertEquals([requests.hasRoomFor(LAST), events.warnings().length], [true, 0]);
  leave(OTHERS[48]!, 1);
  assertEquals([requests.hasRoomFor(LAST), events.warnings().length], [false, 1]);
  await permissions.decide(FIRST, { name: "message", allowed: false });
  clock.skip(1_000);
  assertEquals([requests.hasRoomFor(LAST), events.warnings().length], [true, 0]);
});
