import { assert, assertEquals, assertRejects } from "@std/assert";
import type { TokenView } from "../../../protocol/token_api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { NodeMachine } from "../../sim/node_machine.ts";
import { World } from "../../sim/world.ts";

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

async function sessionsOf(node: NodeMachine): Promise<number> {
  const { sessions } = await node.ask((admin) => admin.status());
  return sessions.filter(({ state }) => state === "confirmed").length;
}

function crashDirectories(world: World): void {
  for (const directory of world.directories) directory.crash();
}

Deno.test("token revoke ends the session and the standby pairs at both sides", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    crashDirectories(world);
    await world.runFor(10 * MINUTE_MS);
    assertEquals([await count(alice, bob, "unused"), await count(bob, alice, "unused")], [4, 4]);
    const [pair] = await tokensOf(alice, bob);
    const revoked = await alice.ask((admin) => admin.revokeTokens(pair!.pair_id));
    assertEquals([revoked.peer, revoked.sessions, revoked.tokens], [bob.nodeId, 1, 4]);
    assertEquals([await sessionsOf(alice), await count(alice, bob, "unused")], [0, 0]);
    assertEquals(await count(alice, bob, "revoked"), 4);
    await world.runFor(5_000);
    assertEquals([await sessionsOf(bob), await count(bob, alice, "unused")], [0, 0]);
  }));

Deno.test("token revoke holds over crashes, and against the pairs that the peer still has", () =>
  inWorld(async (world) => {
    const [alice, bob] = [world.node(0), world.node(1)];
    crashDirectories(world);
    // The pairs are too young for bob to drop them when he is told.
    await alice.ask((admin) => admin.revokeTokens(bob.nodeId));
    alice.crash();
    await alice.ensureStarted();
    await world.runFor(10 * MINUTE_MS);
    assertEquals([await sessionsOf(alice), await count(alice, bob, "revoked")], [0, 4]);
    await world.runFor(7 * HOUR_MS);
    // The crash may have swallowed what bob was told; by then his session is over as well.
    for (const node of [alice, bob]) assertEquals(await sessionsOf(node), 0);
    assertEquals(await count(alice, bob, "revoked"), 4);
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
