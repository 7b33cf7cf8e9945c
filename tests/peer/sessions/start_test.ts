import { assert, assertEquals } from "@std/assert";
import { NodeEvents } from "../../../peer/events/events.ts";
import { PeerBook } from "../../../peer/peers/peer_book.ts";
import { NodeStore } from "../../../peer/store/store.ts";
import { answerJson } from "../../world/fake_http.ts";
import { MINUTE_MS } from "../parts.ts";
import { TestNode } from "../test_node.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

const PEERS = 40;

/** A node that is not running and knows so many peers. */
async function acquainted(): Promise<TestNode> {
  const test = await TestNode.start();
  await test.stop();
  const { crypto, clock } = test;
  const store = new NodeStore(() => test.database, clock);
  const book = new PeerBook(
    { crypto, clock, store, events: new NodeEvents(test.log) },
    test.node.id,
  );
  for (let count = 0; count < PEERS; count++) {
    const record = await (await TestNodeKeys.create(crypto)).record();
    await book.take(record);
    await book.setKnown(record.id);
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
