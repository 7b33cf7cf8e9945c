/**
 * Scenarios in which somebody on the wire meddles with handshakes.
 *
 * @module
 */
import { HANDSHAKE_PATH, MESSAGE_PATH } from "../../../protocol/peer_api.ts";
import type { Scenario } from "../scenario.ts";
import { jsonAnswer } from "../wire.ts";
import type { World } from "../world.ts";

/** A node that still trusts `403` or a bad answer would never connect, or burn its pairs. */
const MEDDLING_MS = 150_000;

async function talk(world: World, count = 3): Promise<void> {
  const [alice, bob] = [world.node(0), world.node(1)];
  for (let index = 0; index < count; index++) {
    world.send(alice, bob);
    world.send(bob, alice);
    await world.runFor(world.random.between(0, 4_000));
  }
}

export const lostMessageTwo: Scenario = {
  name: "lost message 2",
  async run(world) {
    const lostForMs = world.random.pick([2_000, 20_000, 70_000, MEDDLING_MS]);
    const untilMs = world.loop.nowMs + lostForMs;
    world.network.tampers.push({
      answer: (call) => call.path === HANDSHAKE_PATH && world.loop.nowMs < untilMs ? "drop" : null,
    });
    world.connect(world.node(0), world.node(1));
    await talk(world);
    await world.runFor(lostForMs);
  },
};

export const forgedRefusal: Scenario = {
  name: "forged 403",
  async run(world) {
    const untilMs = world.loop.nowMs + world.random.pick([5_000, 60_000, MEDDLING_MS]);
    const rate = world.random.pick([0.3, 0.7, 1]);
    const isMeddledWith = (path: string) =>
      path === HANDSHAKE_PATH && world.loop.nowMs < untilMs && world.random.chance(rate);
    const forged = jsonAnswer(403, { code: "handshake_rejected" });
    world.network.tampers.push(
      world.random.chance(0.5)
        ? { request: (call) => isMeddledWith(call.path) ? forged : null }
        : { answer: (call) => isMeddledWith(call.path) ? forged : null },
    );
    world.connect(world.node(0), world.node(1));
    await talk(world);
    await world.runFor(MEDDLING_MS);
  },
};

export const garbageAnswers: Scenario = {
  name: "garbage answers",
  async run(world) {
    const untilMs = world.loop.nowMs + 90_000;
    const garbage = () => {
      const noise = world.random.pick(["", "AA", "A".repeat(400), "!", "A".repeat(9_000)]);
      return world.random.pick([
        jsonAnswer(200, { session_established: true, session_id: "AAAAAAAAAAAAAAAAAAAAAA", noise }),
        jsonAnswer(200, null),
        jsonAnswer(404, { code: "session_unknown" }),
        jsonAnswer(500, []),
        jsonAnswer(302, {}),
      ]);
    };
    world.network.tampers.push({
      answer: (call) =>
        [HANDSHAKE_PATH, MESSAGE_PATH].includes(call.path) && world.loop.nowMs < untilMs &&
          world.random.chance(0.6)
          ? garbage()
          : null,
    });
    world.connect(world.node(0), world.node(1));
    await talk(world);
    await world.runFor(MEDDLING_MS);
  },
};

export const bothCall: Scenario = {
  name: "both sides calling at once",
  async run(world) {
    const [alice, bob] = [world.node(0), world.node(1)];
    world.connect(alice, bob);
    await world.runFor(world.random.pick([0, 0, 5, 40]));
    world.connect(bob, alice);
    await talk(world);
    await world.runFor(20_000);
    for (const node of [alice, bob]) node.crash();
    for (const node of [alice, bob]) await node.start();
    await talk(world);
  },
};

export const replayedMessages: Scenario = {
  name: "replayed messages",
  async run(world) {
    world.connect(world.node(0), world.node(1));
    await world.runFor(world.random.between(0, 3_000));
    for (let round = 0; round < 8; round++) {
      world.replayer.replaySome();
      await talk(world, 1);
      await world.runFor(world.random.between(0, 60_000));
    }
  },
};
