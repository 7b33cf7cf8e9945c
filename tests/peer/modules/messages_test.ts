import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId, encodeUtf8, type NodeId } from "../../../crypto/encoding.ts";
import { Petnames } from "../../../peer/peers/petnames.ts";
import { Messages } from "../../../peer/modules/messages.ts";
import { ReliableSender } from "../../../peer/sessions/reliable.ts";
import type { NodeEvent } from "../../../protocol/admin_api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { type BothEnds, SessionWorld } from "../sessions/session_world.ts";
import { settle } from "../../world/settle.ts";

const STRANGERS = Array.from(
  { length: 60 },
  (_, index) => encodeNodeId(new Uint8Array(32).fill(index + 1)),
);

/** @param successors Who followed whom. */
function messagesOf({ parts }: SessionWorld, successors: ReadonlyMap<NodeId, NodeId> = new Map()) {
  const book = { lastId: (id: NodeId) => successors.get(id) ?? id };
  return new Messages({ ...parts, book, petnames: new Petnames(parts.store) });
}

async function setUp() {
  const world = await SessionWorld.create();
  const { parts, table, carrier } = world;
  const events: NodeEvent[] = [];
  parts.events.subscribe((event) => events.push(event));
  const ends = await world.session();
  const wanted: string[] = [];
  const open = () => {
    const messages = messagesOf(world);
    const reliable = new ReliableSender({ ...parts, table, carrier });
    messages.start({ reliable, wantSession: (peer) => wanted.push(peer) });
    return { messages, reliable };
  };
  return { world, ends, events, wanted, open, ...open(), peer: world.peer.id };
}

/** The ids of the texts that were sent and not read yet, oldest first. */
async function sentIds(world: SessionWorld, ends: BothEnds): Promise<string[]> {
  const headers = await world.read(ends);
  world.sent.length = 0;
  return headers.map(({ id }) => String(id));
}

function text(id: string) {
  return { type: "messaging.text", id };
}

Deno.test("Messages stores a text before it sends it, and again after a restart until it is acknowledged", async () => {
  const { world, ends, messages, reliable, events, wanted, open, peer } = await setUp();
  using _ = world;
  const sent = await messages.send(peer, "hello");
  await settle();
  assertEquals([await sentIds(world, ends), wanted], [[sent.id], [peer]]);
  reliable.stop();
  const again = open();
  await settle();
  assertEquals(await sentIds(world, ends), [sent.id], "the same id");
  again.reliable.acknowledge(peer, sent.id);
  await settle();
  assertEquals(again.messages.outboxSize(peer), 0);
  assertEquals(events.filter(({ type }) => type === "delivered").length, 1);
  again.reliable.stop();
  open().reliable.stop();
  await settle();
  assertEquals(world.sent.length, 0);
});

Deno.test("Messages tells of the delivery once it is written down", async () => {
  const { world, messages, reliable, peer } = await setUp();
  using _ = world;
  const { id, delivered } = await messages.send(peer, "hello");
  await world.parts.clock.advance(70);
  reliable.acknowledge(peer, id);
  assertEquals(await delivered, 70);
  assertEquals(messages.outboxSize(peer), 0);
});

Deno.test("Messages has 256 under way to a peer, and sends every other one as those are acknowledged", async () => {
  const { world, ends, messages, reliable, peer } = await setUp();
  using _ = world;
  const sends = Array.from({ length: 405 }, (_, index) => messages.send(peer, `${index}`));
  const ids = (await Promise.all(sends)).map(({ id }) => id);
  await settle();
  const seen: string[] = [];
  const rounds: number[] = [];
  for (
    let round = await sentIds(world, ends);
    round.length > 0;
    round = await sentIds(world, ends)
  ) {
    rounds.push(round.length);
    seen.push(...round);
    for (const some of [round.slice(0, 150), round.slice(150)]) {
      for (const id of some) reliable.acknowledge(peer, id);
      await settle();
    }
  }
  assertEquals(rounds[0], 256);
  assertEquals(seen, ids, "each once, in their order");
  assertEquals(messages.outboxSize(peer), 0);
});

Deno.test("Messages sends again what was acknowledged while nothing could be written down", async () => {
  const { world, ends, messages, reliable, peer } = await setUp();
  using _ = world;
  const { id } = await messages.send(peer, "hello");
  await settle();
  await sentIds(world, ends);
  world.parts.fillDisk();
  reliable.acknowledge(peer, id);
  await settle();
  world.parts.freeDisk();
  messages.pump(peer);
  await settle();
  assertEquals(await sentIds(world, ends), [id]);
  reliable.acknowledge(peer, id);
  await settle();
  assertEquals(messages.outboxSize(peer), 0);
});

Deno.test("Messages.send() stores under the id that followed, in the very moment of a succession", async () => {
  const world = await SessionWorld.create();
  using _ = world;
  const [old] = STRANGERS as [NodeId];
  const messages = messagesOf(world, new Map([[old, world.peer.id]]));
  await messages.send(old, "hello");
  assertEquals([messages.outboxSize(old), messages.outboxSize(world.peer.id)], [0, 1]);
  await world.parts.permissions.block(world.peer.id);
  const refusal = await assertRejects(() => messages.send(old, "more"), OpenRedError);
  assertEquals([refusal.code, messages.outboxSize(world.peer.id)], ["forbidden", 1]);
});

Deno.test("Messages.send() stores nothing on a full disk, and says so", async () => {
  const { world, messages, peer } = await setUp();
  using _ = world;
  world.parts.fillDisk();
  const error = await assertRejects(() => messages.send(peer, "hello"), OpenRedError);
  assertEquals([error.code, messages.outboxSize(peer)], ["overloaded", 0]);
});

Deno.test("Messages.send() stores nothing for a peer that is blocked by then, and says so", async () => {
  const { world, messages, reliable, peer } = await setUp();
  using _ = world;
  const blocking = world.parts.permissions.block(peer);
  const error = await assertRejects(() => messages.send(peer, "hello"), OpenRedError);
  await blocking;
  assertEquals([error.code, messages.outboxSize(peer)], ["forbidden", 0]);
  assertEquals(reliable.waiting(peer), 0);
});

Deno.test("Messages sends no more what was dropped, and keeps what was delivered", async () => {
  const { world, messages, reliable, peer } = await setUp();
  using _ = world;
  const { store } = world.parts;
  const { id } = await messages.send(peer, "delivered");
  await settle();
  reliable.acknowledge(peer, id);
  await settle();
  await messages.send(peer, "waits");
  await store.write(() => messages.writeDrop(peer));
  messages.dropped(peer);
  assertEquals([messages.outboxSize(peer), reliable.waiting(peer)], [0, 0]);
  const rows = store.statement("SELECT text FROM outbox").all();
  assertEquals(rows.map(({ text }) => text), ["delivered"]);
});

Deno.test("Messages sends what was under way to a former id to the one that followed it", async () => {
  const { world, messages, reliable, peer } = await setUp();
  using _ = world;
  const next = world.directory.id;
  await messages.send(next, "to the new id");
  await messages.send(peer, "to the former id");
  await settle();
  const { store } = world.parts;
  await store.write(() => {
    store.statement("UPDATE outbox SET peer = ? WHERE peer = ?").run(next, peer);
  });
  messages.moved(peer, next);
  assertEquals([reliable.waiting(peer), reliable.waiting(next)], [0, 2]);
  reliable.stop();
});

Deno.test("Messages keeps what was queued before its start for the start", async () => {
  const { world, ends, peer } = await setUp();
  using _ = world;
  const { parts, table, carrier } = world;
  const messages = messagesOf(world);
  const { id } = await messages.send(peer, "early");
  messages.pump(peer);
  const reliable = new ReliableSender({ ...parts, table, carrier });
  messages.start({ reliable, wantSession: () => {} });
  await settle();
  assertEquals(await sentIds(world, ends), [id]);
  reliable.stop();
});

Deno.test("Messages.receive() says yes only once a text is stored, and to a repeat", async () => {
  const { world, messages, events, peer } = await setUp();
  using _ = world;
  const body = encodeUtf8("hello");
  const twice = [messages.receive(peer, text("a"), body), messages.receive(peer, text("a"), body)];
  assertEquals(await Promise.all(twice), [true, true]);
  assert(await messages.receive(peer, text("a"), encodeUtf8("other")));
  assert(await messages.receive(world.directory.id, text("a"), body), "another sender's id");
  const stored = messages.list({ after: 0, limit: 10 });
  assertEquals(stored.map(({ text, peer }) => [text, peer]), [["hello", peer], [
    "hello",
    world.directory.id,
  ]]);
  assertEquals(events.filter(({ type }) => type === "message").length, 2);
  assert(messages.has(peer, "a"));
  world.parts.fillDisk();
  await assertRejects(() => messages.receive(peer, text("b"), body), OpenRedError);
  assert(!messages.has(peer, "b"));
});

Deno.test("Messages.receive() refuses a text that is empty, not UTF-8, too long, or without an id", async () => {
  const { world, messages, peer } = await setUp();
  using _ = world;
  const refusal = async (header: object, body: Uint8Array) =>
    (await assertRejects(() => messages.receive(peer, header, body), OpenRedError)).code;
  assertEquals(await refusal(text("a"), new Uint8Array([0xff])), "bad_request");
  assertEquals(await refusal(text("a"), new Uint8Array(64 * 1024 + 1)), "too_large");
  const body = encodeUtf8("hello");
  assertEquals(await refusal({ type: "messaging.text" }, body), "bad_request");
  assertEquals(await refusal({ type: "messaging.other", id: "a" }, body), "bad_request");
  assertEquals(await refusal(text("a"), new Uint8Array()), "bad_request");
  assert(await messages.receive(peer, text("a"), new Uint8Array(64 * 1024).fill(0x61)));
  assert(await messages.receive(peer, text("b"), new Uint8Array(1).fill(0x61)));
  assertEquals(messages.list({ after: 0, limit: 10 }).length, 2);
});

Deno.test("Messages keeps only the first few of a stranger, in one burst as well", async () => {
  const { world, messages, peer } = await setUp();
  using _ = world;
  const burst = Array.from(
    { length: 50 },
    (_, index) => messages.receiveRequest(peer, text(`a${index}`), encodeUtf8("hi")),
  );
  const kept = (await Promise.all(burst)).filter((isKept) => isKept).length;
  assertEquals([kept, messages.list({ after: 0, limit: 100 }).length], [20, 20]);
  assert(
    !(await messages.receiveRequest(peer, text("more"), encodeUtf8("hi"))),
    "not acknowledged",
  );
  assert(await messages.receiveRequest(peer, text("a0"), encodeUtf8("hi")), "a repeat is");
});

Deno.test("Messages keeps so many of all strangers together, until somebody decides about their senders", async () => {
  const { world, messages } = await setUp();
  using _ = world;
  const { clock, permissions, events } = world.parts;
  const leave = async (count: number) => {
    const kept = STRANGERS.flatMap((stranger) =>
      Array.from(
        { length: count },
        (_, index) => messages.receiveRequest(stranger, text(`a${index}`), encodeUtf8("hi")),
      )
    );
    return (await Promise.all(kept)).filter((isKept) => isKept).length;
  };
  assertEquals(await leave(20), 1_000);
  const last = STRANGERS.at(-1)!;
  const leaveOne = (id: string) => messages.receiveRequest(last, text(id), encodeUtf8("hi"));
  assertEquals([await leaveOne("b"), events.warnings().length], [false, 1]);
  await permissions.decide(STRANGERS[0]!, { name: "message", allowed: false });
  await clock.advance(1_000);
  assertEquals([await leaveOne("b"), events.warnings().length], [true, 0]);
});

Deno.test("Messages counts no message that came while its sender was allowed as a request", async () => {
  const { world, messages, peer } = await setUp();
  using _ = world;
  for (let index = 0; index < 25; index++) {
    await messages.receive(peer, text(`a${index}`), encodeUtf8("hi"));
  }
  assert(await messages.receiveRequest(peer, text("b"), encodeUtf8("hi")));
});

Deno.test("Messages.list() says of each sender what it is now, by the id that followed it last", async () => {
  const { world, peer } = await setUp();
  using _ = world;
  const { permissions, store } = world.parts;
  const [old, denied, blocked, stranger] = STRANGERS as [NodeId, NodeId, NodeId, NodeId];
  const messages = messagesOf(world, new Map([[old, peer]]));
  for (const sender of [old, denied, blocked, stranger]) {
    await messages.receive(sender, text("a"), encodeUtf8("hi"));
  }
  await permissions.accept(peer);
  await new Petnames(store).give(peer, "Bob");
  await permissions.decide(denied, { name: "message", allowed: false });
  await permissions.block(blocked);
  const seen = messages.list({ after: 0, limit: 10 });
  assertEquals(seen.map(({ peer, petname, standing }) => [peer, petname, standing]), [
    [old, "Bob", "allowed"],
    [denied, null, "denied"],
    [blocked, null, "blocked"],
    [stranger, null, "stranger"],
  ]);
});

Deno.test("Messages.listBefore() gives the newest below a number, oldest first", async () => {
  const { world, messages, peer } = await setUp();
  using _ = world;
  for (let index = 1; index <= 5; index++) {
    await messages.receive(peer, text(`a${index}`), encodeUtf8("hi"));
  }
  const numbers = (before: number, limit: number) =>
    messages.listBefore({ before, limit }).map(({ number }) => number);
  assertEquals(numbers(Number.MAX_SAFE_INTEGER, 2), [4, 5]);
  assertEquals(numbers(4, 2), [2, 3]);
  assertEquals(numbers(1, 2), []);
});
