import { assert, assertEquals, assertRejects } from "@std/assert";
import type { TokenView } from "../../../protocol/token_api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { NodeMachine } from "../../sim/node_machine.ts";
import { World } from "../../sim/world.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { Revoking } from "../../../peer/sessions/revoking.ts";
import { START_MS } from "../parts.ts";
import { SessionWorld } from "./session_world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

async function inWorld(run: (world: World) => Promise<void>): Promise<void> {
  const world = new World({ seed: 7, nodes: 2 });
  try {
    await world.startAll();
    await world.runFor(10_000);
    await world.connectAndWait(world.node(0), world.node(1));
    await run(world);
  } finally {
    await world.close();
  }
}

async function tokensOf(node: NodeMachine, peer: NodeMachine): Promise<readonly TokenView[]> {
  return (await node.ask((admin) => admin.tokens(peer.nodeId))).tokens;
}

async function count(
  node: NodeMachine,
  peer: NodeMachine,
  state: TokenView["state"],
): Promise<number> {
  return (await tokensOf(node, peer)).filter((token) => token.state === state).length;
}

async function usable(node: NodeMachine, peer: NodeMachine): Promise<number> {
  const states = (await tokensOf(node, peer)).map(({ state }) => state);
  return states.filter((state) => ["unused", "unconfirmed", "taken"].includes(state)).length;
}

async function sessionsOf(node: NodeMachine): Promise<number> {
  const { sessions } = await node.ask((admin) => admin.status());
  return sessions.filter(({ state }) => state === "confirmed").length;
}

function crashDirectories(world: World): void {
  for (const directory of world.directories) directory.crash();
}

Deno.test("token revoke ends the sessions and all standby pairs at both sides, old and young", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    crashDirectories(world);
    await world.runFor(10 * MINUTE_MS);
    await alice.ask((admin) => admin.renewTokens(bob.nodeId, 10_000));
    const pairs = await count(alice, bob, "unused") + await count(alice, bob, "unconfirmed");
    const [pair] = await tokensOf(alice, bob);
    const revoked = await alice.ask((admin) => admin.revokeTokens(pair!.pair_id));
    assertEquals([revoked.peer, revoked.tokens], [bob.nodeId, pairs]);
    assertEquals(await sessionsOf(alice), 0);
    await world.runFor(5_000);
    assertEquals(await sessionsOf(bob), 0);
    for (const [node, peer] of [[alice, bob], [bob, alice]] as const) {
      assertEquals(await usable(node, peer), 0);
      assert(await count(node, peer, "revoked") >= 4);
    }
    await world.runFor(7 * HOUR_MS);
    for (const node of [alice, bob]) assertEquals(await sessionsOf(node), 0);
  }));

Deno.test("token revoke holds over crashes of both, told or not", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    crashDirectories(world);
    await alice.ask((admin) => admin.revokeTokens(bob.nodeId));
    alice.crash();
    bob.crash();
    await alice.ensureStarted();
    await bob.ensureStarted();
    await world.runFor(10 * MINUTE_MS);
    assertEquals([await sessionsOf(alice), await count(alice, bob, "revoked")], [0, 4]);
    await world.runFor(7 * HOUR_MS);
    for (const node of [alice, bob]) assertEquals(await sessionsOf(node), 0);
    assertEquals(await count(alice, bob, "revoked"), 4);
  }));

Deno.test("A peer that revoked is not called after a start until somebody here asks for it", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    await alice.ask((admin) => admin.revokeTokens(bob.nodeId));
    await world.runFor(5_000);
    await bob.stop();
    await bob.ensureStarted();
    await world.runFor(10 * MINUTE_MS);
    for (const node of [alice, bob]) assertEquals(await sessionsOf(node), 0);
    await world.connectAndWait(bob, alice);
    for (const node of [alice, bob]) assertEquals(await sessionsOf(node), 1);
  }));

Deno.test("After token revoke a directory can introduce the two again, and both agree", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    await alice.ask((admin) => admin.revokeTokens(bob.nodeId));
    await world.connectAndWait(alice, bob);
    await world.runFor(20 * MINUTE_MS);
    const unused = async (node: NodeMachine, peer: NodeMachine) =>
      (await tokensOf(node, peer)).filter(({ state }) => state === "unused")
        .map(({ pair_id }) => pair_id).sort();
    assertEquals(await unused(alice, bob), await unused(bob, alice));
    assertEquals((await unused(alice, bob)).length, 4);
  }));

Deno.test("token renew makes a newer session from a standby pair, without a directory", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    crashDirectories(world);
    await world.runFor(MINUTE_MS);
    const before = await tokensOf(alice, bob);
    for (const node of [alice, bob]) {
      const peer = node === alice ? bob : alice;
      const session = await node.ask((admin) => admin.renewTokens(peer.nodeId, 10_000));
      assertEquals([session.issuer, session.state], ["peer", "confirmed"]);
    }
    await world.runFor(MINUTE_MS);
    const after = await tokensOf(alice, bob);
    const unused = after.filter(({ state }) => state === "unused");
    assertEquals(unused.length, 4);
    assert(!unused.some(({ pair_id }) => before.some((old) => old.pair_id === pair_id)));
    const nobody = () => alice.ask((admin) => admin.renewTokens("nobody here", 0));
    assertEquals((await assertRejects(nobody, OpenRedError)).code, "not_found");
  }));

function revokingIn(
  world: SessionWorld,
  book = new PeerBook(world.parts, world.own.id),
): Revoking {
  const { parts, vault, table, carrier, validations } = world;
  return new Revoking({
    ...parts,
    book,
    vault,
    table,
    carrier,
    validations,
    links: { cancel: (peer) => world.cancelled.push(peer) },
    close: (session) => session.close(),
  });
}

Deno.test("A word of revoking that comes late leaves what the two made since", async () => {
  using world = await SessionWorld.create();
  const [older, newer] = [await world.session(), await world.session()];
  const [gone] = await world.standby(older.own.id);
  const [kept] = await world.standby(newer.own.id);
  await revokingIn(world).obey(older.own);
  assertEquals(world.table.all().map(({ id }) => id), [newer.own.id]);
  assertEquals(world.vault.get(gone!.pairId)?.half, null);
  assert(world.vault.get(kept!.pairId)!.half !== null);
  await revokingIn(world).obey(newer.own);
  assertEquals(world.table.all(), []);
  assertEquals(world.vault.get(kept!.pairId)?.half, null);
});

Deno.test("Revoking says so on every confirmed session, and once only here", async () => {
  using world = await SessionWorld.create();
  const sessions = [await world.session(), await world.session()];
  await world.session({ role: "responder", confirmed: false });
  const { peer } = sessions[0]!.own;
  assertEquals(await revokingIn(world).revoke(peer), { sessions: 3, tokens: 0 });
  for (const ends of sessions) {
    assertEquals(await world.read(ends), [{ type: "core.close", revoked: true }]);
  }
  assertEquals(world.sent.map(({ post }) => post), [true, true], "nothing on the unconfirmed one");
  assertEquals(await revokingIn(world).revoke(peer), { sessions: 0, tokens: 0 });
});

Deno.test("Revoking says so on an open channel and by POST", async () => {
  using world = await SessionWorld.create();
  const ends = await world.session();
  world.carrier.hasChannel = () => true;
  await revokingIn(world).revoke(world.peer.id);
  assertEquals(world.sent.map(({ post }) => post), [false, true]);
  assertEquals(world.sent[0]?.frame, world.sent[1]?.frame);
  assertEquals((await world.read(ends)).length, 2);
});

for (const word of ["its own", "the peer's"] as const) {
  Deno.test(`Revoking at ${word} word leaves no key, no validation, no call and no answer to give again`, async () => {
    using world = await SessionWorld.create();
    const { own } = await world.session();
    const { pair } = own;
    await world.vault.commit({ put: [{ ...pair, half: null }] });
    world.validations.note(pair.pairId, {
      peer: own.peer,
      valid_until: pair.endsAt,
      crypto_method: pair.info.method,
      validation_result: true,
    });
    if (word === "its own") await revokingIn(world).revoke(own.peer);
    else await revokingIn(world).obey(own);
    assertEquals(await own.sealUnlessGone({ type: "core.tick" }), null);
    assertEquals(world.validations.views(START_MS), []);
    assertEquals(world.vault.get(pair.pairId)?.revokedAt, START_MS);
    assertEquals([world.cancelled, world.parts.log.audited("revoked")], [[own.peer], 1]);
  });
}

Deno.test("Revoking a peer without pair and session is stored before it is answered", async () => {
  using world = await SessionWorld.create();
  const { parts, own, peer } = world;
  const book = new PeerBook(parts, own.id);
  await book.take(await peer.record());
  assertEquals(await revokingIn(world, book).revoke(peer.id), { sessions: 0, tokens: 0 });
  const again = new PeerBook(parts, own.id);
  await again.load();
  assertEquals(again.get(peer.id)?.revokedAt, START_MS);
});

for (const failing of ["audit log", "vault", "database"] as const) {
  Deno.test(`Revoking ends the sessions even when the ${failing} cannot be written, and says so`, async () => {
    using world = await SessionWorld.create();
    const { parts } = world;
    const book = new PeerBook(parts, world.own.id);
    await book.take(await world.peer.record());
    const ends = await world.session();
    const [pair] = await world.standby(ends.own.id);
    const full = () => Promise.reject(new OpenRedError("overloaded", "No room"));
    if (failing === "audit log") parts.events.auditWith({ record: full, recordThrottled: full });
    else if (failing === "vault") parts.files.isFull = true;
    else parts.fillDisk();
    const error = await assertRejects(
      () => revokingIn(world, book).revoke(world.peer.id),
      OpenRedError,
    );
    assertEquals([error.code, world.table.all()], ["overloaded", []]);
    assertEquals(world.vault.get(pair!.pairId)?.half, null);
    assertEquals(await world.read(ends), [{ type: "core.close", revoked: true }]);
    parts.freeDisk();
  });
}

Deno.test("A revoked peer that was introduced again is not called until somebody here asks for it", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    const started = async () =>
      (await alice.ask((admin) => admin.status())).counters.handshakes_started ?? 0;
    const lastError = async () =>
      (await alice.ask((admin) => admin.status())).peers[0]?.last_error?.code;
    for (let round = 0; round < 2; round++) {
      await alice.ask((admin) => admin.revokeTokens(bob.nodeId));
      await world.runFor(5_000);
    }
    assertEquals(await lastError(), "revoked");
    await world.connectAndWait(bob, alice);
    assertEquals(await sessionsOf(alice), 1);
    await bob.stop();
    alice.crash();
    await alice.ensureStarted();
    await world.runFor(10 * MINUTE_MS);
    assertEquals([await started(), await lastError()], [0, "revoked"]);
    await bob.ensureStarted();
    await world.connectAndWait(alice, bob);
    assertEquals([await sessionsOf(alice), await lastError()], [1, undefined]);
  }));
