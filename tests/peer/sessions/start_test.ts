import { assert, assertEquals } from "@std/assert";
import { NodeEvents } from "../../../peer/events/events.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { Permissions } from "../../../peer/peers/permissions.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { answerJson } from "../../world/fake_http.ts";
import { settle } from "../../world/settle.ts";
import { HOUR_MS, MINUTE_MS } from "../parts.ts";
import { TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

const PEERS = 20;

/** A node that is not running and knows so many peers. */
async function acquainted({ peers = PEERS, isDecided = true } = {}): Promise<TestNode> {
  const test = await TestNode.start();
  await test.stop();
  const { crypto, clock } = test;
  const store = new NodeStore(() => test.database, clock);
  const book = new PeerBook(
    { crypto, clock, store, events: new NodeEvents(test.log) },
    test.node.id,
  );
  const permissions = new Permissions({ clock, store, events: new NodeEvents(test.log) });
  for (let count = 0; count < peers; count++) {
    const record = await (await TestNodeKeys.create(crypto)).record();
    await book.take(record);
    await book.setKnown(record.id);
    if (isDecided) await permissions.decide(record.id, { name: "message", allowed: true });
  }
  return test;
}

Deno.test("Sessions.start() spreads the first calls to many peers over 50 ms for each", async () => {
  await using test = await acquainted();
  const firstMs = new Map<string, number>();
  const startMs = test.clock.monotonicMs();
  test.directory.instead = ({ url, body }) => {
    if (!url.endsWith("/request-connection")) return null;
    const { target } = JSON.parse(new TextDecoder().decode(body));
    if (!firstMs.has(target)) firstMs.set(target, test.clock.monotonicMs() - startMs);
    return answerJson(404, { code: "node_unknown" });
  };
  await test.boot();
  await test.clock.advance(MINUTE_MS);
  const times = [...firstMs.values()].sort((a, b) => a - b);
  const early = times.filter((atMs) => atMs < PEERS * 25).length;
  assertEquals(times.length, PEERS);
  assert(early > PEERS / 8 && early < PEERS * 7 / 8, `${early} in the first half: ${times}`);
  assert(times.at(-1)! <= PEERS * 50, `${times}`);
});

/** Counts the introductions that a node asks for, all of which are refused. */
function countIntroductions(test: TestNode): { count: number } {
  const asked = { count: 0 };
  test.directory.instead = ({ url }) => {
    if (!url.endsWith("/request-connection")) return null;
    asked.count += 1;
    return answerJson(404, { code: "node_unknown" });
  };
  return asked;
}

Deno.test("Sessions.start() calls no stranger, and forgets them all once their sessions would be over", async () => {
  await using test = await acquainted({ isDecided: false });
  const asked = countIntroductions(test);
  await test.boot();
  await test.clock.advance(6 * HOUR_MS - MINUTE_MS);
  assertEquals(asked.count, 0);
  assertEquals((await test.admin("GET", "/status")).body.peers.length, PEERS);
  await test.clock.advance(2 * MINUTE_MS);
  assertEquals((await test.admin("GET", "/status")).body.peers, []);
});

Deno.test("A start holds no more than two hundred strangers", async () => {
  await using test = await acquainted({ peers: 210, isDecided: false });
  await test.boot();
  await test.clock.advance(2 * MINUTE_MS);
  assertEquals((await test.admin("GET", "/status")).body.peers.length, 200);
});

Deno.test("The calls of a start leave a directory's limit to what the owner asks for", async () => {
  await using test = await acquainted({ peers: 100 });
  const asked = countIntroductions(test);
  await test.boot();
  await test.clock.advance(MINUTE_MS);
  assert(asked.count <= 45, `${asked.count} in the first minute`);
  const before = asked.count;
  const [peer] = (await test.admin("GET", "/status")).body.peers.slice(-1);
  void test.admin("POST", "/connect", { peer: peer.node_id, wait_ms: 0 });
  await settle();
  assert(asked.count > before, "the owner's own wish does not wait for leave");
});
