import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { signText } from "../protocol/signer.ts";
import type { FakeNode } from "./fake_nodes.ts";
import { type Answered, START_MS, TestDirectory } from "./test_directory.ts";

const BANNED = [403, "banned"];

function codeOf({ status, body }: Answered): [number, string] {
  return [status, body.code];
}

async function ban(test: TestDirectory, { id }: FakeNode): Promise<void> {
  await test.store.ban({ id, bannedAt: START_MS, note: "the operator's own" });
}

Deno.test("A banned id is refused, found nowhere, and let in again by unban()", async () => {
  await using test = await TestDirectory.start();
  const [node, peer] = [test.node(1), test.node(2)];
  const record = node.record();
  await test.register(record);
  await test.register(peer.record());
  await ban(test, node);

  assertEquals(codeOf(await test.register(record)), BANNED);
  const refused = await test.registerNew(node);
  assertEquals(codeOf(refused), BANNED);
  assertEquals(JSON.stringify(refused.body).includes("operator's own"), false);
  assertEquals(codeOf(await test.register(node.gone())), BANNED);
  assertEquals(codeOf(await test.connect(node, { target: peer.id })), BANNED);
  const withRecord = { target: peer.id, record: node.record() };
  assertEquals(codeOf(await test.connect(node, withRecord)), BANNED);
  assertEquals(codeOf(await test.connect(peer, { target: node.id })), [404, "node_unknown"]);
  assertEquals(codeOf(await test.get(`/api/v3/nodes/${node.id}`)), [404, "node_unknown"]);
  const { nodes } = (await test.get("/api/v3/nodes/discover")).body;
  assertEquals(nodes.map((each: { node_id: string }) => each.node_id), [peer.id]);
  assert(test.logged.includes("registration_refused"));

  assert(await test.store.unban(node.id));
  assertEquals((await test.registerNew(node)).status, 201);
});

Deno.test("Nobody takes the place of a banned id", async () => {
  await using test = await TestDirectory.start();
  const [old, heir] = [test.node(1), test.node(2)];
  const next = createHash("sha256").update(heir.identity.publicKey).digest("base64url");
  await test.register(old.record({ next }));
  await ban(test, old);
  const payload = { v: 3, iss: heir.id, old: old.id, iat: 1_600_000_000 };
  const succession = signText(heir.identity, payload, { typ: "openred-succession+jwt" });
  assertEquals(codeOf(await test.register(heir.record(), { succession })), BANNED);
  assertEquals((await test.get(`/api/v3/nodes/${heir.id}`)).status, 404);
  await test.store.unban(old.id);
  const record = heir.record();
  assertEquals((await test.register(record, { succession })).status, 201);
  await ban(test, old);
  assertEquals((await test.register(record, { succession })).status, 201);
  assertEquals((await test.registerNew(heir)).status, 201);
});

Deno.test("An id that is banned while it is called back is not stored", async () => {
  let banning: FakeNode | null = null;
  await using test = await TestDirectory.start({
    wrapStore: (store) => {
      const put = store.put.bind(store);
      store.put = async (...args) => {
        if (banning !== null) await store.ban({ id: banning.id, bannedAt: START_MS, note: "" });
        return await put(...args);
      };
      return store;
    },
  });
  const node = test.node(1);
  banning = node;
  assertEquals(codeOf(await test.register(node.record())), BANNED);
  assertEquals((await test.store.find(node.id)).entry, null);
});

Deno.test("The log tells of new and withdrawn nodes, and nothing of those that stay", async () => {
  await using test = await TestDirectory.start({ limits: { addressPerMinute: 4 } });
  const node = test.node(1);
  const told = () => test.logged.filter((event) => !/^(keys_opened|directory_)/.test(event));
  await test.registerNew(node);
  assertEquals(told(), ["node_registered"]);
  await test.registerNew(node);
  assertEquals(told(), ["node_registered"]);
  test.clock.advance(1_000);
  await test.register(node.gone());
  assertEquals(told(), ["node_registered", "node_withdrawn"]);
  const away = test.node(2);
  await test.register(away.record({ api_url: "https://nobody.example" }));
  assertEquals(told().slice(2), ["callback_failed"]);
  await test.get("/api/v3/health");
  assertEquals(told().slice(3), ["limit_reached"]);
});
