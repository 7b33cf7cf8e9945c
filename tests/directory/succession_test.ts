import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { signText } from "../protocol/signer.ts";
import type { FakeNode } from "./fake_nodes.ts";
import { TestDirectory } from "./test_directory.ts";

function nextOf(node: FakeNode): string {
  return createHash("sha256").update(node.identity.publicKey).digest("base64url");
}

function succeed(old: FakeNode, by: FakeNode, more: object = {}): string {
  const payload = { v: 3, iss: by.id, old: old.id, iat: 1_600_000_000, ...more };
  return signText(by.identity, payload, { typ: "openred-succession+jwt" });
}

Deno.test("A succession ends the old id everywhere, with 410 and its text", async () => {
  await using test = await TestDirectory.start();
  const [old, heir, peer] = [test.node(1), test.node(2), test.node(3)];
  const oldRecord = old.record({ next: nextOf(heir) });
  await test.register(oldRecord);
  await test.register(peer.record());
  const succession = succeed(old, heir);
  assertEquals((await test.register(heir.record(), { succession })).status, 201);

  const ended = [410, "succeeded", succession];
  const outcome = (answer: { status: number; body: { code: string; succession: string } }) => [
    answer.status,
    answer.body.code,
    answer.body.succession,
  ];
  assertEquals(outcome(await test.register(oldRecord)), ended);
  assertEquals(outcome(await test.registerNew(old)), ended);
  assertEquals(outcome(await test.register(old.gone())), ended);
  // Before freshness and URL policy.
  assertEquals(outcome(await test.register(old.record({ api_url: "x" }))), ended);
  assertEquals(outcome(await test.get(`/api/v3/nodes/${old.id}`)), ended);
  assertEquals(outcome(await test.connect(old, "not JSON")), ended);
  assertEquals(outcome(await test.connect(peer, { target: old.id })), ended);
  const listed = (await test.get("/api/v3/nodes/discover")).body.nodes;
  assertEquals(listed.map((node: { node_id: string }) => node.node_id).includes(old.id), false);
});

Deno.test("A succession is refused without a pin, by another key, and for another record", async () => {
  await using test = await TestDirectory.start();
  const [old, heir, thief] = [test.node(1), test.node(2), test.node(3)];
  const refused = async (by: FakeNode, succession: string) => {
    const { status, body } = await test.register(by.record(), { succession });
    return [status, body.code];
  };
  assertEquals(await refused(heir, succeed(old, heir)), [409, "succession_refused"]);
  await test.register(old.record({ next: nextOf(heir) }));
  assertEquals(await refused(thief, succeed(old, thief)), [409, "succession_refused"]);
  assertEquals(await refused(thief, succeed(old, heir)), [409, "succession_refused"]);
  const forged = succeed(old, heir).slice(0, -6) + "AAAAAA";
  assertEquals(await refused(heir, forged), [400, "bad_signature"]);
  assertEquals((await test.get(`/api/v3/nodes/${old.id}`)).status, 200);
  assertEquals((await test.get(`/api/v3/nodes/${thief.id}`)).status, 404);
});

Deno.test("The first next of an id is pinned, later ones are not", async () => {
  await using test = await TestDirectory.start();
  const [old, heir, thief] = [test.node(1), test.node(2), test.node(3)];
  await test.registerNew(old, { next: nextOf(heir) });
  await test.registerNew(old, { next: nextOf(thief) });
  const stolen = await test.register(thief.record(), { succession: succeed(old, thief) });
  assertEquals(stolen.body.code, "succession_refused");
  const kept = await test.register(heir.record(), { succession: succeed(old, heir) });
  assertEquals(kept.status, 201);
});

Deno.test("A chain is followed link by link by the next that each succession names", async () => {
  await using test = await TestDirectory.start();
  const nodes = [1, 2, 3, 4].map((seed) => test.node(seed));
  await test.register(nodes[0]!.record({ next: nextOf(nodes[1]!) }));
  for (let at = 1; at < nodes.length; at++) {
    const following = nodes[at + 1];
    const next = following === undefined ? {} : { next: nextOf(following) };
    const succession = succeed(nodes[at - 1]!, nodes[at]!, next);
    test.clock.advance(1_000);
    assertEquals((await test.register(nodes[at]!.record(), { succession })).status, 201);
  }
  let id: string = nodes[0]!.id;
  for (let link = 1; link < nodes.length; link++) {
    const { status, body } = await test.get(`/api/v3/nodes/${id}`);
    assertEquals(status, 410);
    const payload = JSON.parse(atob(body.succession.split(".")[1]));
    assertEquals(payload.old, id);
    id = payload.iss;
  }
  assertEquals((await test.get(`/api/v3/nodes/${id}`)).status, 200);
});

Deno.test("The same registration with its succession may be repeated", async () => {
  await using test = await TestDirectory.start();
  const [old, heir] = [test.node(1), test.node(2)];
  await test.register(old.record({ next: nextOf(heir) }));
  const [record, succession] = [heir.record(), succeed(old, heir)];
  assertEquals((await test.register(record)).status, 201);
  assertEquals((await test.get(`/api/v3/nodes/${old.id}`)).status, 200);
  assertEquals((await test.register(record, { succession })).status, 201);
  assertEquals((await test.get(`/api/v3/nodes/${old.id}`)).status, 410);
  assertEquals((await test.register(record, { succession })).status, 201);
});

Deno.test("A refused callback leaves the old id as it was", async () => {
  await using test = await TestDirectory.start();
  const [old, heir] = [test.node(1), test.node(2)];
  await test.register(old.record({ next: nextOf(heir) }));
  heir.identityChanges = { nonce: "A".repeat(22) };
  const { body } = await test.register(heir.record(), { succession: succeed(old, heir) });
  assertEquals(body.code, "callback_failed");
  assertEquals((await test.get(`/api/v3/nodes/${old.id}`)).status, 200);
});

Deno.test("A succession does not come with the first record of an id that is gone in it", async () => {
  await using test = await TestDirectory.start();
  const [old, heir] = [test.node(1), test.node(2)];
  await test.register(old.record({ next: nextOf(heir) }));
  const succession = succeed(old, heir);
  const { status, body } = await test.register(heir.gone(), { succession });
  assertEquals([status, body.code], [409, "succession_refused"]);
  assertEquals((await test.get(`/api/v3/nodes/${old.id}`)).status, 200);
});

Deno.test("A succession keeps the place that its old id had on a host", async () => {
  await using test = await TestDirectory.start();
  const [old, heir] = [test.node(1), test.node(2)];
  await test.register(old.record({ next: nextOf(heir) }));
  await test.register(heir.record(), { succession: succeed(old, heir) });
  assertEquals(await test.store.countOnHost("node1.example"), 1);
  assertEquals(await test.store.countOnHost("node2.example"), 1);
});
