import { assert, assertEquals, assertRejects } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import { renewNoiseKey } from "../../../peer/data/renew_noise_key.ts";
import { openKeystoreFiles } from "../../../ports/keystore_files.ts";
import { setPassphrase } from "../../../ports/node_secret.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { CHEAP_COST as CHEAP } from "../../world/cores.ts";
import { LifeNode } from "./life_world.ts";

const renew = (node: LifeNode, passphrase?: string) =>
  node.onData((ports) =>
    renewNoiseKey(ports, {
      cost: CHEAP,
      passphrase: passphrase === undefined ? undefined : encodeUtf8(passphrase),
    })
  );

/** The public noise keys on the node's disk, newest first. */
function noiseKeys(node: LifeNode, passphrase?: string): Promise<string[]> {
  return node.onData(async (ports) => {
    const { noiseKeys } = await openKeystoreFiles(ports, {
      passphrase: passphrase === undefined ? undefined : encodeUtf8(passphrase),
    });
    return noiseKeys.map(({ publicKey }) => encodeBase64Url(publicKey));
  });
}

Deno.test("a node with a new noise key keeps its id and its former key, and its peers find it again", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  const config = { directories: [directory.url] };
  await a.start(config);
  await b.start(config);
  await a.registered();
  await b.registered();
  await b.ask("POST", "/connect", { peer: a.id, wait_ms: 10_000 });
  const { id } = a;
  await a.stop();
  const [former] = await noiseKeys(a);
  assertEquals(await renew(a), id);
  const [newest, second] = await noiseKeys(a);
  assert(newest !== former);
  assertEquals(second, former);
  await a.start(config);
  const { payload } = await a.inside.ownRecord.current();
  assertEquals(encodeBase64Url(payload.noise_key), newest);
  await a.ask("POST", "/connect", { peer: b.id, wait_ms: 10_000 });
  await b.ask("POST", "/tokens/renew", { peer: id, wait_ms: 10_000 });
});

Deno.test("a noise key is renewed under a passphrase, which stays", async () => {
  await using node = new LifeNode();
  await node.init();
  const [former] = await noiseKeys(node);
  await node.onData((ports) =>
    setPassphrase(ports, { passphrase: encodeUtf8("a passphrase"), cost: CHEAP })
  );
  const missing = await assertRejects(() => renew(node), OpenRedError);
  assertEquals(missing.code, "unauthorized");
  const wrong = await assertRejects(() => renew(node, "a passphrasf"), CryptoError);
  assertEquals(wrong.code, "unseal_failed");
  assertEquals(await noiseKeys(node, "a passphrase"), [former]);
  await renew(node, "a passphrase");
  const [newest, second] = await noiseKeys(node, "a passphrase");
  assertEquals([second, newest === former], [former, false]);
});

Deno.test("renewNoiseKey() makes no node where there is none, and takes no passphrase that protects nothing", async () => {
  await using node = new LifeNode();
  const none = await assertRejects(() => renew(node), OpenRedError);
  assertEquals([none.code, [...Deno.readDirSync(node.data)]], ["not_found", []]);
  await node.init();
  const before = await noiseKeys(node);
  const idle = await assertRejects(() => renew(node, "a passphrase"), OpenRedError);
  assertEquals([idle.code, await noiseKeys(node)], ["bad_request", before]);
});
