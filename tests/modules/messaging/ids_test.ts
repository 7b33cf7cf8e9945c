/**
 * Ids that a peer chooses, and columns that somebody changes on disk.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { bringMessage, forgeMessage, hashOf } from "./groups/forging.ts";
import { GroupWorld } from "./groups/group_world.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";
import { TwoSides } from "./two_sides.ts";

const [FRIEND, FOE] = PEERS;
const RUN = "AAAAAAAAAAA";

Deno.test("A peer's text under the id of an own message is refused, and the own one stays what is meant", async () => {
  using sides = await TwoSides.start();
  const { a, b } = sides;
  const id = await b.send("mine");
  await sides.deliver();
  const frame = { type: "messaging.text", id, body: encodeUtf8("not mine") };
  const error = await assertRejects(() => b.messaging.hosted.take(a.id, frame), OpenRedError);
  assertEquals([error.code, await b.texts()], ["bad_request", ["mine"]]);
  // In another conversation it is as good as any.
  await b.messaging.world.parts.permissions.accept(FRIEND);
  assertEquals(await b.messaging.hosted.take(FRIEND, frame), true);
});

Deno.test("A text under the id of a message of a group that is to come does not keep that out", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  const forged = await forgeMessage(b, group, { text: "to all" });
  const id = await hashOf(b, forged.message);
  const body = encodeUtf8("before it");
  assertEquals(await a.messaging.hosted.take(b.id, { type: "messaging.text", id, body }), true);
  assertEquals(await bringMessage(c, a, group, forged), true);
  assertEquals(await a.texts(group), ["to all"]);
});

Deno.test("A text that waits goes to nobody but whom it was written to, whatever the disk says", async () => {
  using messaging = await MessagingWorld.start();
  const { sender, parts } = messaging.world;
  await messaging.send(FRIEND, "for my friend alone");
  await settle();
  sender.sent.length = 0;
  parts.database.prepare("UPDATE messaging_outbox SET peer = ?").run(FOE);
  await messaging.restart();
  await settle();
  assertEquals(
    sender.sent.map(({ peer, header }) => [peer, header.type]),
    [[FRIEND, "messaging.remove"]],
  );
  assertEquals(parts.events.warnings().length, 1);
  parts.database.prepare("UPDATE messaging_outbox SET written_to = ?").run(FOE);
  sender.sent.length = 0;
  await messaging.restart();
  await settle();
  assertEquals(sender.sent.filter(({ body }) => body !== undefined && body.length > 0), []);
});

Deno.test("What is waited for as something builds on it is forgotten with the last that does", async () => {
  using messaging = await MessagingWorld.start();
  const { database, permissions } = messaging.world.parts;
  await permissions.accept(FRIEND);
  const waited = () =>
    database.prepare("SELECT name FROM messaging_dangling").all().map(({ name }) => name);
  for (const [n, asked] of [[2, 1], [4, 3]] as const) {
    const header = { run: RUN, n, reply_to: { run: "BBBBBBBBBBA", n: asked, mine: true } };
    const body = encodeUtf8("answer");
    await messaging.hosted.take(FRIEND, { type: "messaging.text", id: `i${n}`, header, body });
  }
  assertEquals(waited().length, 2);
  const [, last] = await messaging.inbox();
  await messaging.clear(FRIEND, last!.number);
  assertEquals(waited(), ["p.BBBBBBBBBBA.3"]);
  await messaging.clear(FRIEND, Number.MAX_SAFE_INTEGER);
  assertEquals(waited(), []);
});
