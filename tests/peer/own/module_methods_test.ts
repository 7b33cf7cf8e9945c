import { assert, assertEquals } from "@std/assert";
import type { MethodBlock } from "../../../crypto/interface.ts";
import { permuteSample } from "../../contract/sample_methods.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { rotationTo } from "../../world/seeded_rotation.ts";
import { LifeNode } from "../data/life_world.ts";

const NAME = "spiral_4";

/** A module's method that can be made to hang. */
class Spiral {
  readonly name = NAME;
  blocks = 0;
  failures = 0;
  hangs = false;

  readonly permute = (block: MethodBlock): Promise<Uint8Array> => {
    this.blocks++;
    return this.hangs ? new Promise(() => {}) : Promise.resolve(permuteSample(block));
  };
  readonly failed = (): void => void this.failures++;
}

/** Makes a new session from `from` to `to`. @returns The method of the pair it was made from. */
async function renew(from: LifeNode, to: LifeNode): Promise<string> {
  const { method } = await from.ask("POST", "/tokens/renew", { peer: to.id, wait_ms: 10_000 });
  return method;
}

/** Two nodes that have met through a directory. */
async function meet(directory: RealDirectory, a: LifeNode, b: LifeNode): Promise<void> {
  const config = { directories: [directory.url], rotation: await rotationTo(NAME) };
  await a.start(config);
  await b.start(config);
  await a.registered();
  await b.registered();
}

/** What the node's own record lists now. */
async function lists(node: LifeNode): Promise<boolean> {
  const { payload } = await node.inside.ownRecord.current();
  return payload.methods.includes(NAME);
}

Deno.test("two nodes with a module's method make pairs with it, and do without once it hangs or is gone", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  await meet(directory, a, b);
  const [ofA, ofB] = [new Spiral(), new Spiral()];
  await a.inside.methods.add(ofA);
  await b.inside.methods.add(ofB);
  await a.ask("POST", "/connect", { peer: b.id, wait_ms: 10_000 });
  const before = [ofA.blocks, ofB.blocks];
  assertEquals(await renew(a, b), NAME);
  assertEquals(await renew(b, a), NAME);
  assert(ofA.blocks > before[0]! && ofB.blocks > before[1]!);
  await a.ask("POST", "/peers/allow", { peer: b.id, permission: "message" });
  await b.ask("POST", "/m/messaging/messages", {
    peer: a.id,
    text: "over spiral_4",
    wait_ms: 10_000,
  });

  ofB.hangs = true;
  assertEquals(await renew(a, b), "alpha");
  assertEquals([ofB.failures, await lists(b), await lists(a)], [1, false, true]);
  assert((await b.status()).warnings.some((text) => text.includes(NAME)));

  ofB.hangs = false;
  await b.inside.methods.add(ofB);
  assertEquals((await b.status()).warnings.some((text) => text.includes(NAME)), false);
  await renew(a, b);
  assertEquals(await renew(a, b), NAME);

  await a.inside.methods.remove(NAME);
  assertEquals(await renew(a, b), "alpha", "the caller has it no more");
  await a.inside.methods.add(ofA);
  await renew(a, b);
  await b.inside.methods.remove(NAME);
  assertEquals(await renew(a, b), "alpha", "the one that is called has it no more");
});

Deno.test("a caller whose own method hangs while it reads an answer goes on with another pair", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  await meet(directory, a, b);
  const ofA = new Spiral();
  await a.inside.methods.add(ofA);
  await b.inside.methods.add(new Spiral());
  await a.ask("POST", "/connect", { peer: b.id, wait_ms: 10_000 });
  ofA.hangs = true;
  assertEquals(await renew(a, b), "alpha");
  assertEquals([ofA.failures, await lists(a)], [1, false]);
});

Deno.test("a method that one node alone has is used in none of its pairs", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  await meet(directory, a, b);
  const ofA = new Spiral();
  await a.inside.methods.add(ofA);
  const { blocks } = ofA;
  await a.ask("POST", "/connect", { peer: b.id, wait_ms: 10_000 });
  assert(await renew(a, b) !== NAME);
  assert(await renew(b, a) !== NAME);
  assertEquals(ofA.blocks, blocks);
});
