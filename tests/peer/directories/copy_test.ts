import { assertEquals } from "@std/assert";
import { LifeNode } from "../data/life_world.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { until } from "../../world/until.ts";

Deno.test("a node finds at a real directory that a copy of it has registered, and goes on once that is gone", async () => {
  await using directory = await new RealDirectory().start();
  await using node = new LifeNode();
  await using copy = new LifeNode();
  const directories = [directory.url];
  const restart = async (which: LifeNode) => {
    await which.stop();
    await which.start({ directories });
  };
  await node.init();
  await node.start({ directories });
  await node.registered();
  await node.stop();
  for (const { name, isFile } of Deno.readDirSync(node.data)) {
    if (isFile) Deno.copyFileSync(`${node.data}/${name}`, `${copy.data}/${name}`);
  }
  await copy.start({ directories });
  await copy.registered();
  assertEquals((await copy.status()).warnings, [], "nobody registered since it was made");
  await node.start({ directories });
  const stateOf = async () => (await node.status()).directories[0]?.state;
  await until(async () => await stateOf() === "stopped", "stops");
  await node.untilAudited("own_key_used_elsewhere");
  await copy.stop();
  await restart(node);
  await node.registered();
  assertEquals((await node.status()).warnings.length, 0);
  await restart(node);
  await node.registered();
});
