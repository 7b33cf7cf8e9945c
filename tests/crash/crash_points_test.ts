import { assert, assertEquals } from "@std/assert";
import { NO_EDIT } from "../property/edits.ts";
import { FakeNetwork } from "../property/fake_network.ts";
import { NodeWorld } from "../property/node_world.ts";
import { makeTemporaryDirectory } from "../ports/temporary_directory.ts";
import { MortalDisk, type MortalProcess } from "./mortal_disk.ts";

/** One run dies before every other step of writing. */
const STRIDE = 2;

/** There is no recovery phrase; and the made-up peers, whose pairs are spent, are in no directory. */
const EXPECTED_WARNINGS = /openred-node init|^No token leads to /;

/** What a node promised before it died. */
interface Promised {
  nodeId: string | null;
  readonly acknowledged: Set<string>;
}

function startOn(process: MortalProcess, network: FakeNetwork): Promise<NodeWorld> {
  const { clock, files, openDatabase } = process;
  return NodeWorld.start({ clock, files, openDatabase, network });
}

/** A first start, a pair, a handshake, messages in and out. */
async function live(
  process: MortalProcess,
  network: FakeNetwork,
  promised: Promised,
): Promise<NodeWorld> {
  const world = await startOn(process, network);
  promised.nodeId = world.node.id;
  const both = Promise.withResolvers<void>();
  world.peers.onAcknowledged = (id) => {
    promised.acknowledged.add(id);
    if (promised.acknowledged.size >= 2) both.resolve();
  };
  for (let count = 0; count < 2; count++) {
    await world.handle(await world.build({ name: "header", inner: NO_EDIT, outer: NO_EDIT }));
  }
  await world.assertWorks();
  await both.promise;
  return world;
}

async function checkNextStart(
  disk: MortalDisk,
  network: FakeNetwork,
  promised: Promised,
): Promise<void> {
  const world = await startOn(disk.boot(), network);
  try {
    if (promised.nodeId !== null) assertEquals(world.node.id, promised.nodeId);
    const { warnings } = await world.node.status();
    assertEquals(warnings.filter((text) => !EXPECTED_WARNINGS.test(text)), []);
    const ids = await world.node.inboxIds();
    assertEquals(ids.length, new Set(ids).size);
    assertEquals([...promised.acknowledged].filter((id) => !ids.includes(id)), []);
    await world.assertWorks();
    assertEquals(world.logged, []);
  } finally {
    await world[Symbol.asyncDispose]();
  }
}

async function dieBefore(step: number): Promise<void> {
  using folder = makeTemporaryDirectory();
  const disk = new MortalDisk(folder.path);
  const network = await FakeNetwork.create();
  const promised: Promised = { nodeId: null, acknowledged: new Set() };
  const process = disk.boot(step);
  const living = live(process, network, promised).catch(() => null);
  await Promise.race([living, process.died]);
  process.kill();
  network.onMessage = () => {};
  await checkNextStart(disk, network, promised);
}

async function countSteps(): Promise<number> {
  using folder = makeTemporaryDirectory();
  const disk = new MortalDisk(folder.path);
  const network = await FakeNetwork.create();
  const process = disk.boot();
  const promised: Promised = { nodeId: null, acknowledged: new Set() };
  const world = await live(process, network, promised);
  await world[Symbol.asyncDispose]();
  await checkNextStart(disk, network, promised);
  return process.steps;
}

Deno.test("A node that dies at any step of writing starts again with all it promised", async () => {
  const steps = await countSteps();
  assert(steps > 20);
  const first = 1 + Math.floor(Math.random() * STRIDE);
  console.log(`${steps} steps, dying before every ${STRIDE} from ${first} on`);
  for (let step = first; step <= steps; step += STRIDE) await dieBefore(step);
});
