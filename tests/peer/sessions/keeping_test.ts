import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { Keeping } from "../../../peer/sessions/keeping.ts";
import { Bundles } from "../../../peer/sessions/bundles.ts";
import { ReliableSender } from "../../../peer/sessions/reliable.ts";
import type { Session } from "../../../peer/sessions/session.ts";
import type { PairEntry } from "../../../peer/tokens/pair_entry.ts";
import { MINUTE_MS } from "../parts.ts";
import { SessionWorld } from "./session_world.ts";
import { settle } from "../../world/settle.ts";

async function setUp(options = { larger: false }) {
  const world = await SessionWorld.create(options);
  const { table, vault, carrier, parts } = world;
  const reliable = new ReliableSender({
    ...{ ...parts, table, carrier },
    bundles: new Bundles({ ...parts, carrier }),
  });
  const close = (session: Session) => session.close();
  const keeping = new Keeping({ ...parts, table, vault, reliable, ownId: world.own.id, close });
  return { world, reliable, keeping };
}

function bytes(hex: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

function base64(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64url");
}

function keep(...sessions: { readonly id: string }[]) {
  const close = sessions.map(({ id }) => bytes(id));
  return { type: "core.keep", id: "keep", close, must: undefined };
}

Deno.test("Keeping.settle() keeps the confirmed session made last and names those it closed", async () => {
  const { world, keeping } = await setUp();
  using _ = world;
  const first = await world.session();
  const second = await world.session({ role: "responder" });
  const unconfirmed = await world.session({ confirmed: false });
  keeping.settle(world.peer.id);
  await settle();
  assertEquals([first.own.closed, second.own.closed, unconfirmed.own.closed], [true, false, false]);
  const [header, ...others] = await world.read(second);
  assertEquals([header?.type, header?.close], ["core.keep", [base64(first.own.id)]]);
  assertEquals(others, []);
  keeping.stop();
});

Deno.test("Keeping.settle() is silent on the node with the larger id", async () => {
  const { world, keeping } = await setUp({ larger: true });
  using _ = world;
  const first = await world.session();
  await world.session();
  keeping.settle(world.peer.id);
  await settle();
  assertEquals([first.own.closed, world.sent.length], [false, 0]);
});

Deno.test("Keeping drops the sets of closed and lost sessions once core.keep is acknowledged", async () => {
  const { world, keeping, reliable } = await setUp();
  using _ = world;
  const closed = await world.session();
  const kept = await world.session();
  const open = await world.session({ confirmed: false });
  for (const { own } of [closed, kept, open]) await world.standby(own.id);
  await world.standby("of an earlier run");
  keeping.settle(world.peer.id);
  await settle();
  const [header] = await world.read(kept);
  assertEquals(world.vault.all().length, 4, "nothing is dropped before the peer agrees");
  reliable.acknowledge(world.peer.id, String(header?.id));
  await settle();
  const left = world.vault.all().map(({ standby }) => standby?.sessionId);
  assertEquals(left.sort(), [kept.own.id, open.own.id].sort());
  keeping.stop();
});

Deno.test("Keeping names a closed session until it is acknowledged, then no more", async () => {
  const { world, keeping, reliable } = await setUp();
  using _ = world;
  const first = await world.session();
  const second = await world.session();
  keeping.settle(world.peer.id);
  await settle();
  const third = await world.session();
  keeping.settle(world.peer.id);
  await settle();
  const [header] = await world.read(third);
  assertEquals(header?.close, [base64(first.own.id), base64(second.own.id)]);
  reliable.acknowledge(world.peer.id, String(header?.id));
  world.sent.length = 0;
  keeping.settle(world.peer.id);
  await settle();
  assertEquals((await world.read(third)).map(({ close }) => close), [[]]);
  keeping.stop();
});

Deno.test("Keeping tells the peer once more after 125 s, unless another session counts by then", async () => {
  const { world, keeping, reliable } = await setUp();
  using _ = world;
  const { clock } = world.parts;
  const first = await world.session();
  const acknowledge = async () => {
    const headers = await world.read(first);
    for (const { id } of headers) reliable.acknowledge(world.peer.id, String(id));
    world.sent.length = 0;
    return headers.map(({ type, close }) => [type, close]);
  };
  keeping.settle(world.peer.id);
  await settle();
  assertEquals(await acknowledge(), [["core.keep", []]]);
  await clock.advance(124_999);
  assertEquals(world.sent.length, 0);
  await clock.advance(1);
  assertEquals(await acknowledge(), [["core.keep", []]]);
  await clock.advance(10 * MINUTE_MS);
  assertEquals(world.sent.length, 0, "not a third time");
  keeping.settle(world.peer.id);
  await settle();
  await acknowledge();
  await world.session();
  await clock.advance(10 * MINUTE_MS);
  assertEquals(world.sent.length, 0, "another session counts");
  keeping.stop();
});

Deno.test("Keeping.obey() closes what is named, and what the peer lost", async () => {
  const { world, keeping } = await setUp({ larger: true });
  using _ = world;
  const lost = await world.session();
  world.parts.clock.skip(2 * MINUTE_MS + 1);
  const named = await world.session();
  const young = await world.session();
  const kept = await world.session();
  const later = await world.session();
  for (const { own } of [lost, named, young, kept, later]) await world.standby(own.id);
  assert(await keeping.obey(kept.own, keep(named.own)));
  const ends = [lost, named, young, kept, later].map(({ own }) => own.closed);
  assertEquals(ends, [true, true, false, false, false]);
  const left = world.vault.all().map(({ standby }) => standby?.sessionId);
  assertEquals(left.sort(), [young, kept, later].map(({ own }) => own.id).sort());
});

Deno.test("Keeping.obey() never closes the session it came on", async () => {
  const { world, keeping } = await setUp({ larger: true });
  using _ = world;
  const kept = await world.session();
  assert(await keeping.obey(kept.own, keep(kept.own)));
  assert(!kept.own.closed);
});

Deno.test("Keeping.obey() does not obey on a closed session, nor the node with the larger id", async () => {
  const { world, keeping } = await setUp({ larger: true });
  using _ = world;
  const [named, closed] = [await world.session(), await world.session()];
  closed.own.close();
  assert(!(await keeping.obey(closed.own, keep(named.own))));
  assert(!named.own.closed);
  const other = await setUp();
  using __ = other.world;
  const [first, second] = [await other.world.session(), await other.world.session()];
  assert(!(await other.keeping.obey(second.own, keep(first.own))));
  assert(!first.own.closed);
});

Deno.test("Keeping names at most sixteen sessions", async () => {
  const { world, keeping } = await setUp();
  using _ = world;
  for (let index = 0; index < 18; index++) await world.session();
  const kept = await world.session();
  keeping.settle(world.peer.id);
  await settle();
  const [header] = await world.read(kept);
  assertEquals((header?.close as string[]).length, 16);
  keeping.stop();
});

Deno.test("Keeping tells the peer once more when two minutes are over, of the session it keeps by then", async () => {
  const { world, keeping, reliable } = await setUp();
  using _ = world;
  const { clock } = world.parts;
  const kept = await world.session();
  const told = async () => {
    const headers = await world.read(kept);
    world.sent.length = 0;
    for (const { id } of headers) reliable.acknowledge(world.peer.id, String(id));
    return headers.length;
  };
  keeping.settle(world.peer.id);
  await settle();
  assertEquals(await told(), 1);
  await clock.advance(MINUTE_MS);
  keeping.settle(world.peer.id);
  await settle();
  assertEquals(await told(), 1);
  await clock.advance(2 * MINUTE_MS);
  assertEquals(await told(), 0, "the two minutes count from the last time");
  await clock.advance(5_000);
  assertEquals(await told(), 1);
  keeping.settle(world.peer.id);
  await settle();
  assertEquals(await told(), 1);
  kept.own.close();
  await clock.advance(3 * MINUTE_MS);
  assertEquals(reliable.waiting(world.peer.id), 0);
});

Deno.test("Keeping has one core.keep under way on a session", async () => {
  const { world, keeping, reliable } = await setUp();
  using _ = world;
  await world.session();
  keeping.settle(world.peer.id);
  keeping.settle(world.peer.id);
  await settle();
  assertEquals([world.sent.length, reliable.waiting(world.peer.id)], [1, 1]);
  reliable.stop();
  keeping.stop();
});

Deno.test("Keeping.obey() closes no session for its age that was made after the kept one", async () => {
  const { world, keeping } = await setUp({ larger: true });
  using _ = world;
  const kept = await world.session();
  const later = await world.session();
  world.parts.clock.skip(2 * MINUTE_MS + 1);
  assert(await keeping.obey(kept.own, keep()));
  assert(!later.own.closed);
});

Deno.test("Keeping.obey() drops pairs at once, and from the disk a second later at most", async () => {
  const { world, keeping } = await setUp({ larger: true });
  using _ = world;
  const kept = await world.session();
  const [{ pairId }] = await world.standby("of an earlier run") as [PairEntry];
  assert(await keeping.obey(kept.own, keep()));
  assertEquals(world.vault.get(pairId), null);
  const isOnDisk = () => !world.parts.files.text(".env").trimEnd().endsWith(`${pairId}=`);
  assert(isOnDisk());
  await world.parts.clock.advance(1_000);
  assert(!isOnDisk());
});
