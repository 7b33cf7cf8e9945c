import { assert, assertEquals } from "@std/assert";
import { Hashes } from "../../crypto/primitives/hashes.ts";
import { CRYPTO_METHODS, type RotationPolicy } from "../../crypto/interface.ts";
import { selectCryptoMethod } from "../../crypto/pairs/rotation.ts";
import type { SessionView } from "../../protocol/admin_api.ts";
import { repeated } from "../vectors/read_vectors.ts";
import { checkAlways, finish } from "./final_check.ts";
import { checkInvariant } from "./invariant.ts";
import type { NodeMachine } from "./node_machine.ts";
import { StepWatch } from "./step_watch.ts";
import { World } from "./world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const HOURS = 48;
/** Hours of the run in which nobody writes. */
const SILENT = { from: 18, to: 24 };
const MAX_MESSAGES_PER_HOUR = 5;
/** Four for the session kept, and four of the one before it while both live. */
const MAX_STANDBY_PAIRS = 8;
const MAX_SESSIONS_AT_ONCE = 3;
const hashes = await Hashes.create();

interface LongRun {
  readonly rotation: RotationPolicy;
  readonly sessionLifeMs: number;
  /** How many sessions there are at least: one is renewed at two thirds of its life. */
  readonly leastSessions: number;
  readonly leastLastStep: number;
}

const RUNS: readonly LongRun[] = [
  {
    rotation: { kind: "hourly" },
    sessionLifeMs: 6 * HOUR_MS,
    leastSessions: 11,
    leastLastStep: 3,
  },
  { rotation: { kind: "daily" }, sessionLifeMs: 24 * HOUR_MS, leastSessions: 3, leastLastStep: 14 },
  {
    rotation: { kind: "seeded", seed: repeated(7) },
    sessionLifeMs: 3 * HOUR_MS,
    leastSessions: 20,
    leastLastStep: 1,
  },
];

/** Checks a session's method against the policy, at the time its pair was issued. */
function checkMethod(session: SessionView, policy: RotationPolicy): void {
  const timestampMs = session.epoch * HOUR_MS;
  const methods = [...CRYPTO_METHODS];
  const expected = selectCryptoMethod(hashes, { timestampMs, policy, methods });
  if (session.issuer === "peer") assertEquals(session.method, expected);
}

async function checkNode(world: World, node: NodeMachine, policy: RotationPolicy) {
  const { sessions, peers } = await node.ask((admin) => admin.status());
  for (const session of sessions) checkMethod(session, policy);
  checkInvariant(
    sessions.length <= MAX_SESSIONS_AT_ONCE,
    `${node.name}: ${sessions.length} sessions`,
  );
  const pairs = peers.map((peer) => peer.standby_pairs);
  const isBounded = pairs.every((count) => count > 0 && count <= MAX_STANDBY_PAIRS);
  checkInvariant(isBounded, `${node.name} has ${pairs} standby pairs at ${world.loop.nowMs}`);
  return sessions.map(({ method }) => method);
}

async function liveFor48Hours(world: World, policy: RotationPolicy): Promise<Set<string>> {
  const [alice, bob] = [world.node(0), world.node(1)];
  const methods = new Set<string>();
  for (let hour = 0; hour < HOURS; hour++) {
    const isSilent = hour >= SILENT.from && hour < SILENT.to;
    const messages = isSilent ? 0 : world.random.between(0, MAX_MESSAGES_PER_HOUR);
    const endMs = world.loop.nowMs + HOUR_MS;
    for (let count = 0; count < messages; count++) {
      await world.runFor(world.random.between(0, HOUR_MS / messages));
      if (world.random.chance(0.5)) world.send(alice, bob);
      else world.send(bob, alice);
    }
    await world.loop.runUntil(endMs);
    for (const node of world.nodes) {
      for (const method of await checkNode(world, node, policy)) methods.add(method);
    }
    if (hour % 6 === 5) await checkAlways(world);
  }
  return methods;
}

for (const [seed, run] of RUNS.entries()) {
  const { rotation, sessionLifeMs, leastSessions, leastLastStep } = run;
  Deno.test(`sessions live through ${HOURS} hours of ${rotation.kind} rotation, steps and reordered frames`, async () => {
    const world = new World({ seed, nodes: 2, node: { rotation, sessionLifeMs } });
    const watch = new StepWatch(world);
    try {
      await world.startAll();
      await world.runFor(1_000);
      await world.connectAndWait(world.node(0), world.node(1));
      watch.start();
      world.network.faults = { ...world.network.faults, mostLatencyMs: 2_000, delayRate: 0.2 };
      const methods = await liveFor48Hours(world, rotation);
      watch.checkSteps();
      assert(watch.sessions >= leastSessions, `${watch.sessions} sessions`);
      assert(watch.lastStep >= leastLastStep, `step ${watch.lastStep}`);
      assert(watch.overtaken > 5 && watch.refused > 5, `${watch.overtaken} ${watch.refused}`);
      assert(methods.size > 1, [...methods].join());
      assert(world.ledger.entries.length > HOURS);
      await finish(world);
    } catch (cause) {
      throw new Error(`Seed ${seed}\n${world.trace.lastLines().slice(-40).join("\n")}`, { cause });
    } finally {
      await world.close();
    }
  });
}
