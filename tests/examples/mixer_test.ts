import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import { LifeNode } from "../peer/data/life_world.ts";
import { RealDirectory } from "../world/real_directory.ts";
import { rotationTo } from "../world/seeded_rotation.ts";

const NAME = "mixer";

async function loadMixer(node: LifeNode): Promise<void> {
  const code = await Deno.readFile(new URL("../../examples/mixer/mixer.js", import.meta.url));
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", code)).toHex();
  const input = { code: encodeBase64Url(code), sha256, grants: ["method:mixer"], change: "new" };
  assertEquals((await node.ask("POST", "/modules/load", input)).state, "running");
}

/** Makes a new session. @returns The method of the pair it was made from. */
async function renew(from: LifeNode, to: LifeNode): Promise<string> {
  const input = { peer: to.id, wait_ms: 10_000 };
  return (await from.ask("POST", "/tokens/renew", input)).method;
}

Deno.test("two nodes with examples/mixer make pairs with its method, and one without it does not", async () => {
  const rotation = await rotationTo(NAME);
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  await using c = new LifeNode();
  for (const node of [a, b, c]) {
    await node.start({ directories: [directory.url], rotation });
    await node.registered();
  }
  await loadMixer(a);
  await loadMixer(b);
  for (const peer of [b, c]) await a.ask("POST", "/connect", { peer: peer.id, wait_ms: 10_000 });
  await renew(a, b);
  assertEquals([await renew(a, b), await renew(b, a)], [NAME, NAME]);
  await renew(a, c);
  assert(await renew(a, c) !== NAME);
  await a.ask("POST", "/modules/revoke", { module: NAME, grant: "method:mixer" });
  assert(await renew(a, b) !== NAME, "what was taken back is used no more");
});
