import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../../protocol/errors.ts";
import { GroupWorld } from "./group_world.ts";

Deno.test("edits, removals, reactions and answers reach all members, in any order", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  await world.away(c);
  const first = await a.send(group, "tpyo");
  await world.deliver();
  const answer = await b.send(group, "what?", { reply_to: first });
  await world.deliver();
  await b.react(group, first, "👍");
  await a.send(group, "typo", { edits: first });
  const gone = await a.send(group, "a secret");
  await world.deliver();
  await b.react(group, gone, "😮");
  await world.deliver();
  await a.remove(group, gone);
  await world.deliver();
  // What comes last goes first.
  await world.back(c);
  for (let round = 0; round < 12; round++) {
    await world.pause(1_000);
    for (const frame of world.takeAll().reverse()) await world.arrive(frame);
  }
  await world.deliver();
  for (const person of world.people) {
    const shown = (await person.history(group)).map((message) => ({
      text: message.text,
      edited: message.edited ?? false,
      removed: message.removed ?? false,
      reply_to: message.reply_to ?? null,
      reactions: message.reactions ?? {},
    }));
    const none = { edited: false, removed: false, reply_to: null, reactions: {} };
    assertEquals(shown, [
      { ...none, text: "typo", edited: true, reactions: { [b.id]: "👍" } },
      { ...none, text: "what?", reply_to: first },
      { ...none, text: "", removed: true },
    ]);
  }
  assertEquals((await c.history(group))[1]!.id, answer);
  await assertRejects(() => b.remove(group, first), OpenRedError, "Only who wrote");
  await assertRejects(() => b.send(group, "mine", { edits: first }), OpenRedError);
});

Deno.test("a text of a group that was to be there for a while goes with everybody", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  await a.send(group, "for a minute", { expires_ms: 60_000 });
  await world.deliver();
  assertEquals(await b.texts(group), ["for a minute"]);
  await world.pause(120_000);
  for (const person of [a, b]) {
    assertEquals((await person.history(group)).map(({ expired }) => expired), [true]);
    const { database } = person.messaging.world.parts;
    const rows = [
      ...database.prepare("SELECT sealed FROM messaging_inbox").all(),
      ...database.prepare("SELECT sealed FROM messaging_outbox").all(),
    ];
    assertEquals(rows.map(({ sealed }) => (sealed as Uint8Array).length), [0]);
  }
});

Deno.test("history, inbox, search, conversations and outbox know what is written in groups", async () => {
  using world = await GroupWorld.start(3);
  const [a, b, c] = world.people;
  const group = await world.group();
  const id = await a.send(group, "the red umbrella");
  await world.deliver();
  const [message] = await b.history(group);
  assertEquals([message!.conversation, message!.from, message!.n, message!.group], [
    group,
    a.id,
    1,
    "friends",
  ]);
  const inbox = await b.ask<{ messages: Record<string, unknown>[] }>("GET", "/inbox");
  assertEquals(
    inbox.messages.map(({ id, conversation, group, peer }) => [
      id,
      conversation,
      group,
      peer,
    ]),
    [[id, group, "friends", a.id]],
  );
  const found = await b.ask<{ messages: { id: string }[] }>("GET", "/search?text=umbrella");
  assertEquals(found.messages.map(({ id }) => id), [id]);
  const elsewhere = `/search?text=umbrella&peer=${c.id}`;
  assertEquals((await b.ask<{ messages: unknown[] }>("GET", elsewhere)).messages, []);
  const { conversations } = await b.ask<{ conversations: Record<string, unknown>[] }>(
    "GET",
    "/conversations",
  );
  assertEquals(conversations.map(({ peer, group, unread }) => [peer, group, unread]), [
    [group, "friends", 1],
  ]);
  await b.ask("POST", "/read", { peer: group });
  await world.deliver();
  assertEquals(await a.states(group, id, world.people), { b: "read", c: "delivered" });
  assertEquals((await b.history(group))[0]!.state, { [b.id]: "read" });
  await world.away(b, c);
  const waiting = await a.send(group, "taken back");
  await a.ask("POST", "/outbox/cancel", { id: waiting });
  await world.back(b, c);
  await world.deliver();
  assertEquals((await b.history(group)).map(({ removed }) => removed ?? false), [false, true]);
});

Deno.test("whatever waits in a group is taken back, or refused with the reason", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group();
  const id = await b.send(group, "hello");
  await world.deliver();
  await world.away(b);
  const first = await a.react(group, id, "x");
  const second = await a.react(group, id, "y");
  const own = await a.send(group, "mine");
  const edit = await a.send(group, "edited", { edits: own });
  const cancel = (id: string) =>
    a.ask("POST", "/outbox/cancel", { id }).then(() => "taken back", ({ message }) => message);
  assertEquals(await cancel(first), "What you said after this reaction counts, not this one");
  assertEquals(await cancel(second), "taken back");
  assertEquals((await a.history(group))[0]!.reactions, undefined);
  assertEquals(
    await cancel(edit),
    "An edit in a group cannot be taken back: edit the message again, or remove it",
  );
  assertEquals(await cancel(own), "taken back");
  assertEquals(await cancel(own), "This message was removed");
  const [, , , , ...after] = await a.waiting();
  assertEquals(after.map(({ kind }) => kind), ["react", "remove"]);
  const [reaction, removal] = await Promise.all(after.map(({ id }) => cancel(id)));
  assertEquals(reaction, "This takes a reaction back: react anew");
  assertEquals(removal, "That a message is removed cannot be taken back");
  await world.back(b);
  await world.deliver();
  const [heard, gone] = await b.history(group);
  assertEquals([heard!.reactions, gone!.removed], [undefined, true]);
});

Deno.test("nothing of a group's texts or name is on disk as it was written", async () => {
  using world = await GroupWorld.start(2);
  const [a, b] = world.people;
  const group = await world.group([a, b]);
  await a.ask("POST", "/groups/change", { group, name: "conspiracy" });
  await a.send(group, "plaintext");
  await world.deliver();
  await a.react(group, (await b.history(group))[0]!.id, "agreement");
  await world.deliver();
  for (const { messaging } of world.people) {
    const { database } = messaging.world.parts;
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    for (const { name } of tables) {
      if (!`${name}`.startsWith("messaging_group") && !/box$/.test(`${name}`)) continue;
      const rows = database.prepare(`SELECT * FROM ${name}`).all();
      const all = rows.flatMap((row) => Object.values(row)).map((value) =>
        value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value)
      ).join("\n");
      for (const word of ["conspiracy", "plaintext", "agreement", "friends"]) {
        assertEquals(all.includes(word) || all.includes(btoa(word).slice(0, 8)), false, `${name}`);
      }
    }
  }
});
