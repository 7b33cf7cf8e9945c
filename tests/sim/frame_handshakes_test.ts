import { assert, assertEquals } from "@std/assert";
import { finish } from "./final_check.ts";
import type { NodeMachine } from "./node_machine.ts";
import { alone, bothWays, counted } from "./one_sided_world.ts";
import type { World } from "./world.ts";

type Ends = readonly [initiator: NodeMachine, responder: NodeMachine];

/** Has a node renew its session with the other one; not waited for. */
function renew([from, to]: Ends): void {
  from.admin.renewTokens(to.nodeId, 0).catch(() => {});
}

async function completed(world: World): Promise<number> {
  return Math.max(...await counted(world, "handshakes_completed"));
}

interface Fault {
  /** Happens once message 2 is made, before it leaves. */
  readonly begin: (world: World, ends: Ends) => void;
  /** Happens ten seconds later. */
  readonly end: (world: World, ends: Ends) => void | Promise<void>;
}

/** Either end renews on the channel, and something happens half-way. */
async function disturbed(seed: number, { begin, end }: Fault): Promise<void> {
  const world = await alone(seed);
  await bothWays(world);
  let halfWay: (() => void) | null = null;
  world.network.taps.push({
    handshake() {
      halfWay?.();
      halfWay = null;
    },
  });
  const [alice, bob] = [world.node(0), world.node(1)];
  for (const ends of [[alice, bob], [bob, alice]] as const) {
    halfWay = () => begin(world, ends);
    renew(ends);
    for (let waitedMs = 0; halfWay !== null; waitedMs += 100) {
      assert(waitedMs < 60_000, `${ends[1].name} answers in no frame`);
      await world.runFor(100);
    }
    await world.runFor(10_000);
    await end(world, ends);
    await bothWays(world);
  }
  await finish(world);
  await world.close();
}

const CUT: Fault = {
  begin: (world) => world.network.cut("alice", "bob"),
  end: (world) => world.network.join("alice", "bob"),
};
const INITIATOR_GONE: Fault = {
  begin: (_world, [initiator]) => initiator.crash(),
  end: (_world, [initiator]) => initiator.start(),
};
const RESPONDER_GONE: Fault = {
  begin: (_world, [, responder]) => responder.crash(),
  end: (_world, [, responder]) => responder.start(),
};

async function confirmedAt(node: NodeMachine): Promise<string[]> {
  const { sessions } = await node.ask((admin) => admin.status());
  return sessions.filter(({ state }) => state === "confirmed").map((view) => view.session_id);
}

/** Runs until `node` has confirmed another session. @returns Its id, hex. */
async function nextConfirmed(world: World, node: NodeMachine): Promise<string> {
  const before = await confirmedAt(node);
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs++) {
    await world.runFor(1);
    const next = (await confirmedAt(node)).find((id) => !before.includes(id));
    if (next !== undefined) return next;
  }
  throw new Error(`${node.name} has confirmed nothing`);
}

for (const seed of [1, 2]) {
  Deno.test(`a handshake on a channel survives a cut half-way, with seed ${seed}`, async () => {
    await disturbed(seed, CUT);
  });

  Deno.test(`a handshake on a channel survives a restart of who began, with seed ${seed}`, async () => {
    await disturbed(seed, INITIATOR_GONE);
  });

  Deno.test(`a handshake on a channel survives a restart of who answers, with seed ${seed}`, async () => {
    await disturbed(seed, RESPONDER_GONE);
  });

  Deno.test(`who began loses what the other end has confirmed, and both meet again, with seed ${seed}`, async () => {
    const world = await alone(seed);
    await bothWays(world);
    const [alice, bob] = [world.node(0), world.node(1)];
    for (const [initiator, responder] of [[alice, bob], [bob, alice]] as const) {
      renew([initiator, responder]);
      const session = await nextConfirmed(world, responder);
      initiator.crash();
      const vault = new TextDecoder().decode(initiator.host.disk.peek(".env")!);
      assert(!vault.includes(`_TOKENS_${session}`), "the next pairs were not stored yet");
      await world.runFor(10_000);
      await initiator.start();
      await bothWays(world);
    }
    await finish(world);
    await world.close();
  });

  Deno.test(`both ends renew on a channel at once and agree, with seed ${seed}`, async () => {
    const world = await alone(seed);
    await bothWays(world);
    const [alice, bob] = [world.node(0), world.node(1)];
    const [before, failed] = [await completed(world), await counted(world, "handshakes_failed")];
    renew([alice, bob]);
    renew([bob, alice]);
    await world.runFor(30_000);
    await bothWays(world);
    assert(await completed(world) > before);
    assertEquals(await counted(world, "handshakes_failed"), failed);
    await finish(world);
    await world.close();
  });
}
