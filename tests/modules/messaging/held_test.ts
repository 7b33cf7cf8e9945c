import { assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { Timeline } from "../../../modules/messaging/timeline.ts";
import {
  bring,
  bringMessage,
  forgeMembership,
  forgeMessage,
  forgeStatement,
  hashOf,
} from "./groups/forging.ts";
import { GroupWorld } from "./groups/group_world.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

/** As long as somebody waits for the order of a conversation that goes on changing. */
async function whileHeld<T>(work: () => Promise<T>): Promise<T> {
  const { isHeld } = Timeline.prototype;
  Timeline.prototype.isHeld = () => true;
  try {
    return await work();
  } finally {
    Timeline.prototype.isHeld = isHeld;
  }
}

Deno.test("a text to a conversation that is being put in order for the third time comes again", async () => {
  using messaging = await MessagingWorld.start();
  const text = { peer: PEERS[0], id: "late" };
  assertEquals(await whileHeld(() => messaging.receive(text)), false);
  assertEquals(await messaging.receive(text), true);
  assertEquals(await whileHeld(() => messaging.receive(text)), true, "what is there is there");
});

Deno.test("nothing that changes the order of a group is taken where that is being made for the third time", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const { group } = await a.create("friends", [b, c]);
  await world.deliver();
  await b.accept(group);
  await world.deliver();
  await world.away(a, b, c);
  const statement = await forgeStatement(a, { group, n: 1, prev: group, name: "others" });
  const membership = await forgeMembership(c, group);
  const message = await forgeMessage(a, group, { text: "late" });
  const signed = (type: string, text: string) =>
    bring(a, b, { type, header: { group }, body: encodeUtf8(text) });
  const bringAll = async () => [
    await bringMessage(a, b, group, message),
    await signed("group_statement", statement),
    await signed("group_member", membership),
  ];
  assertEquals(await whileHeld(bringAll), [false, false, false]);
  assertEquals(await bringAll(), [true, true, true]);
  assertEquals((await b.history(group)).map(({ id }) => id), [await hashOf(a, message.message)]);
  assertEquals(await b.members(group, world.people), ["a", "b", "c"]);
});
