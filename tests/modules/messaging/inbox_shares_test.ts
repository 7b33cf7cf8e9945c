/**
 * How much of the inbox is whose, and what makes room.
 */
import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type { NodeId } from "../../../modules/api.ts";
import { settle } from "../../world/settle.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";
import { TwoSides } from "./two_sides.ts";

const [OLD, NEXT] = PEERS;
const SHARE_BYTES = 256 * 2 ** 20;
const RUN = "AAAAAAAAAAA";

/** As if so many bytes of a peer lay there, besides what does. */
async function fill({ world }: MessagingWorld, peer: NodeId, bytes: number): Promise<void> {
  const { store } = world.parts;
  await store.write(() => {
    store.statement(
      `INSERT INTO messaging_shares (peer, count, bytes) VALUES (?, 1, ?)
       ON CONFLICT (peer) DO UPDATE SET bytes = bytes + excluded.bytes`,
    ).run(peer, bytes);
  });
}

Deno.test("A peer that has filled its share can still remove what it wrote, and then has room", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await a.send("please forget this ".repeat(99));
  await a.deliver();
  await fill(b.messaging, a.id, SHARE_BYTES - 1_000);
  await a.send("no room");
  assertEquals(await a.deliver(), []);
  await a.remove(id);
  assertEquals(await a.deliver(), ["messaging.remove"]);
  assertEquals((await b.history()).some(({ removed }) => removed), true);
  await a.messaging.restart();
  assertEquals(await a.deliver(), ["messaging.text"]);
});

Deno.test("What has expired takes no room of its peer's share", async () => {
  using messaging = await MessagingWorld.start();
  const receive = (n: number) => {
    const header = { type: "messaging.text", id: `i${n}`, run: RUN, n, expires_ms: 60_000 };
    return messaging.receive({ peer: OLD, id: `i${n}`, header, body: encodeUtf8("x".repeat(99)) });
  };
  await fill(messaging, OLD, SHARE_BYTES - 100);
  assertEquals([await receive(1), await receive(2)], [true, false]);
  await messaging.world.parts.clock.advance(120_000);
  await settle();
  assertEquals(await receive(2), true);
});

Deno.test("A share goes to the id that followed, and is cleared there", async () => {
  using messaging = await MessagingWorld.start();
  const { store } = messaging.world.parts;
  await store.write(() => {
    store.statement(
      `INSERT INTO messaging_inbox (peer, id, sealed, received_at, request, conversation, kind)
       VALUES (?1, 'big', zeroblob(?2), 0, 0, ?1, 'react')`,
    ).run(OLD, SHARE_BYTES);
  });
  assertEquals(await messaging.receive({ peer: OLD, id: "x" }), false);
  await store.write(() => messaging.hosted.host.writeMove(OLD, NEXT));
  assertEquals(await messaging.receive({ peer: NEXT, id: "y" }), false);
  assertEquals(await messaging.clear(NEXT, Number.MAX_SAFE_INTEGER), { removed: 1 });
  assertEquals(await messaging.receive({ peer: NEXT, id: "y" }), true);
});

Deno.test("A peer of which nothing is stored has no share, and leaves nothing behind", async () => {
  using messaging = await MessagingWorld.start();
  const { store } = messaging.world.parts;
  const shares = () => store.statement("SELECT peer, count FROM messaging_shares").all().length;
  for (const peer of PEERS.slice(0, 60)) {
    for (let at = 0; at < 20; at++) {
      await messaging.receive({ peer, id: `${at}`, isRequest: true });
    }
  }
  assertEquals(shares(), 50);
  for (const peer of PEERS.slice(0, 60)) await messaging.clear(peer, Number.MAX_SAFE_INTEGER);
  assertEquals(shares(), 0);
});
