import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import { Petnames } from "../../peer/contacts/petnames.ts";
import { Messages } from "../../peer/messages.ts";
import { ReliableSender } from "../../peer/sessions/reliable.ts";
import type { NodeEvent } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { type BothEnds, SessionWorld } from "./sessions/session_world.ts";
import { settle } from "./virtual_clock.ts";

async function setUp() {
  const world = await SessionWorld.create();
  const { parts, table, carrier } = world;
  const events: NodeEvent[] = [];
  parts.events.subscribe((event) => events.push(event));
  const ends = await world.session();
  const wanted: string[] = [];
  const open = () => {
    const messages = new Messages({ ...parts, petnames: new Petnames(parts.store) });
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

Deno.test("Messages.send() stores nothing on a full disk, and says so", async () => {
  const { world, messages, peer } = await setUp();
  using _ = world;
  world.parts.fillDisk();
  const error = await assertRejects(() => messages.send(peer, "hello"), OpenRedError);
  assertEquals([error.code, messages.outboxSize(peer)], ["overloaded", 0]);
});

Deno.test("Messages keeps what was queued before its start for the start", async () => {
  const { world, ends, peer } = await setUp();
  using _ = world;
  const { parts, table, carrier } = world;
  const messages = new Messages({ ...parts, petnames: new Petnames(parts.store) });
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

Deno.test("Messages.receive() refuses a text that is not UTF-8, too long, or without an id", async () => {
  const { world, messages, peer } = await setUp();
  using _ = world;
  const refusal = async (header: object, body: Uint8Array) =>
    (await assertRejects(() => messages.receive(peer, header, body), OpenRedError)).code;
  assertEquals(await refusal(text("a"), new Uint8Array([0xff])), "bad_request");
  assertEquals(await refusal(text("a"), new Uint8Array(64 * 1024 + 1)), "too_large");
  assertEquals(await refusal({ type: "messaging.text" }, new Uint8Array()), "bad_request");
  assertEquals(
    await refusal({ type: "messaging.other", id: "a" }, new Uint8Array()),
    "bad_request",
  );
  assertEquals(await refusal({ ...text("a"), must: ["new"] }, new Uint8Array()), "unsupported");
  await messages.receive(peer, text("a"), new Uint8Array(64 * 1024).fill(0x61));
  assertEquals(messages.list({ after: 0, limit: 10 }).length, 1);
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
