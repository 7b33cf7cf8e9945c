/**
 * Everything at random.
 *
 * @module
 */
import { checkAlways } from "../final_check.ts";
import { armCrash } from "../machine.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";
import { stepClock } from "./clock_steps.ts";

const ROUNDS = 30;
const MAX_GAP_MS = 15_000;

type Action = (world: World) => Promise<void> | void;

function twoNodes(world: World) {
  const from = world.random.pick(world.nodes);
  return [from, world.random.pick(world.nodes.filter((node) => node !== from))] as const;
}

function write(world: World): void {
  const [from, to] = twoNodes(world);
  world.send(from, to);
}

function connect(world: World): void {
  const [from, to] = twoNodes(world);
  world.connect(from, to);
}

async function stop(world: World): Promise<void> {
  await world.random.pick(world.nodes).stop();
}

function crash(world: World): void {
  world.random.pick<{ crash(): void }>([...world.nodes, ...world.directories]).crash();
}

function crashSoon(world: World): void {
  armCrash(world.random.pick(world.nodes).host, world.random);
}

async function startSome(world: World): Promise<void> {
  const machine = world.random.pick([...world.nodes, ...world.directories]);
  await machine.ensureStarted();
}

function cut(world: World): void {
  const names = [...world.nodes, ...world.directories].map((machine) => machine.name);
  const name = world.random.pick(names);
  world.network.cut(name, world.random.pick(names.filter((other) => other !== name)));
}

function changeFaults(world: World): void {
  const { random, network } = world;
  const isBad = random.chance(0.5);
  network.faults = {
    leastLatencyMs: 1,
    mostLatencyMs: random.pick([10, 100, 1_500]),
    delayRate: isBad ? random.unit() * 0.2 : 0,
    lossRate: isBad ? random.unit() * 0.4 : 0,
    duplicateRate: isBad ? random.unit() * 0.3 : 0,
  };
}

const ACTIONS: readonly (readonly [number, Action])[] = [
  [10, write],
  [3, connect],
  [1, stop],
  [2, crash],
  [1, crashSoon],
  [6, startSome],
  [2, cut],
  [1, (world) => world.network.heal()],
  [2, changeFaults],
  [1, (world) => stepClock(world, world.random.pick([...world.nodes, ...world.directories]))],
];

function pickAction(world: World): Action {
  const total = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);
  let rest = world.random.unit() * total;
  for (const [weight, action] of ACTIONS) {
    rest -= weight;
    if (rest < 0) return action;
  }
  return write;
}

export const mixture: Scenario = {
  name: "mixture",
  options: { directories: 2 },
  async run(world) {
    changeFaults(world);
    for (let round = 0; round < ROUNDS; round++) {
      await pickAction(world)(world);
      await world.runFor(world.random.unit() ** 2 * MAX_GAP_MS);
      if (round % 5 === 0) world.replayer.replaySome();
      if (round % 10 === 9) await checkAlways(world);
    }
  },
};
