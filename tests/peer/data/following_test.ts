import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../../crypto/encoding.ts";
import { DirectoryClient } from "../../../peer/directories/client.ts";
import { systemClock, systemHttpClient, systemRandom } from "../../../ports/system.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { verifyRecord } from "../../../protocol/record.ts";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { setPassphrase } from "../../../ports/node_secret.ts";
import { LifeNode } from "./life_world.ts";
import { RealDirectory } from "../../world/real_directory.ts";
import { CHEAP_COST } from "../../world/cores.ts";
import { until } from "../../world/until.ts";

/** Two nodes that know each other, and the phrase of the first. */
async function friends(directory: RealDirectory, a: LifeNode, b: LifeNode): Promise<Uint8Array> {
  const phrase = await a.init();
  const directories = [directory.url];
  await a.start({ directories });
  await b.start({ directories });
  await a.registered();
  await b.registered();
  await a.ask("POST", "/peers/allow", { peer: b.id, permission: "message" });
  await b.ask("POST", "/peers/allow", { peer: a.id, permission: "message" });
  await b.ask("POST", "/peers/alias", { peer: a.id, name: "Ann" });
  await a.ask("POST", "/connect", { peer: b.id, wait_ms: 10_000 });
  await a.ask("POST", "/m/messaging/messages", { peer: b.id, text: "before", wait_ms: 10_000 });
  return phrase;
}

async function codeOf(asking: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => asking, OpenRedError)).code;
}

Deno.test("after a succession peers and directory follow by themselves, and the old id is refused", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  const phrase = await friends(directory, a, b);
  const oldId = a.id;
  await a.stop();
  await using thief = new LifeNode(a.copyData());

  a.shown.length = 0;
  const nextPhrase = await a.succeed(phrase);
  await a.start({ directories: [directory.url] });
  const { id } = a;
  assert(id !== oldId);
  await b.confirmed(id);
  await until(() => b.inside.book.get(oldId)?.succession != null, "B follows");
  await a.registered();
  assertEquals(b.inside.book.get(id)?.known, true);
  const { peers } = await b.ask("GET", "/peers");
  const shown = peers.filter(({ petname }: { petname: string | null }) => petname === "Ann");
  assertEquals(shown.map(({ node_id }: { node_id: string }) => node_id), [id]);
  assertEquals((await b.status()).peers.map(({ node_id }) => node_id), [id]);

  await a.ask("POST", "/m/messaging/messages", { peer: b.id, text: "to B", wait_ms: 10_000 });
  await b.ask("POST", "/m/messaging/messages", { peer: id, text: "to A", wait_ms: 10_000 });
  assertEquals((await b.inbox()).at(-1), [id, "to B"]);
  assertEquals((await a.inbox()).at(-1), [b.id, "to A"]);
  await until(() => selfRow(a, `untold ${b.id}`) === null, "B counts as told");
  assertEquals(a.shown[0], selfRow(a, "succession"));
  assert(a.shown[0] !== null);
  await a.stop();
  a.shown.length = 0;
  await a.start({ directories: [directory.url] });
  await a.ask("POST", "/connect", { peer: b.id, wait_ms: 10_000 });
  await until(() => a.shown.length > 0, "a handshake of A");
  assertEquals(new Set(a.shown), new Set([null]));

  const parts = { clock: systemClock, random: systemRandom, http: systemHttpClient };
  const crypto = await LocalCryptoCore.create();
  const client = new DirectoryClient({ ...parts, crypto }, directory.url);
  assertEquals(await codeOf(client.lookUp(oldId)), "succeeded");
  await crypto.stop();

  await a.untilAudited("succeeded");
  await b.untilAudited("peer_succeeded");

  await thief.start({ directories: [directory.url] });
  assertEquals(thief.id, oldId);
  await until(async () => (await thief.status()).directories[0]?.state === "refused", "410");
  const connecting = await thief.admin.request("POST", "/connect", { peer: b.id, wait_ms: 500 });
  assert(!connecting.ok);
  await connecting.body?.cancel();
  await thief.stop();

  await a.stop();
  await a.succeed(nextPhrase);
  await a.start({ directories: [directory.url] });
  await b.confirmed(a.id);
  await until(() => b.inside.book.get(id)?.succession != null, "B follows once more");
});

function selfRow(node: LifeNode, name: string): string | null {
  return node.inside.store.self(name);
}

Deno.test("a thief of the running keystore cannot make a succession", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await a.init();
  await a.start({ directories: [directory.url] });
  await a.registered();
  await using thief = new LifeNode();
  await thief.start();
  const { identity: key, nodeId } = thief.inside.keys;
  const { record } = await thief.ask("GET", "/id");
  const crypto = await LocalCryptoCore.create();
  const succession = await thief.inside.crypto.signJws({
    key,
    typ: "openred-succession+jwt",
    payload: JSON.stringify({ v: 3, iss: nodeId, old: a.id, iat: 1 }),
  });
  const parts = { clock: systemClock, random: systemRandom, http: systemHttpClient, crypto };
  const client = new DirectoryClient(parts, directory.url);
  assertEquals(await codeOf(client.register({ record, succession })), "succession_refused");
  await crypto.stop();
});

Deno.test("a node under a passphrase succeeds with it, and not without", async () => {
  await using a = new LifeNode();
  const phrase = await a.init();
  const text = "a passphrase of the keys";
  await a.onData((ports) =>
    setPassphrase(ports, { passphrase: encodeUtf8(text), cost: CHEAP_COST })
  );
  const { id } = await a.start({ passphrase: encodeUtf8(text) });
  await a.stop();
  assertEquals(await codeOf(a.succeed(phrase)), "unauthorized");
  await a.succeed(phrase, null, encodeUtf8(text));
  await a.start({ passphrase: encodeUtf8(text) });
  assert(a.id !== id);
});

Deno.test("a wrong phrase changes nothing", async () => {
  await using a = new LifeNode();
  const phrase = await a.init();
  await a.start();
  const { id } = a;
  await a.stop();
  const wrong = phrase.slice();
  wrong[0]! ^= 1;
  const before = [...Deno.readFileSync(`${a.data}/keystore`)];
  assertEquals(await codeOf(a.succeed(wrong)), "forbidden");
  assertEquals([...Deno.readFileSync(`${a.data}/keystore`)], before);
  await a.start();
  assertEquals(a.id, id);
});

Deno.test("a node whose data is lost is followed from its phrase and its id alone", async () => {
  await using directory = await new RealDirectory().start();
  await using a = new LifeNode();
  await using b = new LifeNode();
  const phrase = await friends(directory, a, b);
  const oldId = a.id;
  await a.stop();
  await using heir = new LifeNode();
  await heir.takeAddress(a);
  await heir.succeed(phrase, oldId);
  await heir.start({ directories: [directory.url] });
  await heir.registered();
  await until(async () => {
    const asked = await b.admin.request("POST", "/connect", { peer: oldId, wait_ms: 1_000 });
    await asked.body?.cancel();
    return b.inside.book.get(oldId)?.succession != null;
  }, "B finds the heir");
  await b.confirmed(heir.id);
  await b.ask("POST", "/m/messaging/messages", {
    peer: heir.id,
    text: "still there?",
    wait_ms: 10_000,
  });
  // B is a stranger to it, whose messages wait as requests.
  assertEquals(b.inside.book.get(heir.id)?.known, true);
});

Deno.test("init refuses a node that has a phrase, and adds one where there is none", async () => {
  await using a = new LifeNode();
  await a.start();
  const { id } = a;
  assertStringIncludes((await a.status()).warnings.join(), "no recovery phrase");
  await a.stop();
  await a.init();
  assertEquals(await codeOf(a.init()), "bad_request");
  await a.start();
  assertEquals(a.id, id);
  assertEquals((await a.status()).warnings, []);
  const { record } = await a.ask("GET", "/id");
  const { payload } = await verifyRecord(a.inside.crypto, record);
  assertEquals(encodeBase64Url(payload.next!), selfRow(a, "next"));
});
