import { assertEquals } from "@std/assert";
import { encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { settle } from "../world/settle.ts";
import { TestNode } from "./test_node.ts";

/** A body that comes when the test says so. */
function lateBody() {
  let send = (_text: string) => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      send = (text) => {
        controller.enqueue(encodeUtf8(text));
        controller.close();
      };
    },
  });
  return { stream, send: (text: string) => send(text) };
}

/** A message 1 that does not open. @param pairId 16 bytes. */
function message1(pairId: Uint8Array): string {
  return JSON.stringify({
    v: 3,
    suite: "ik-x25519",
    pair_id: encodeBase64Url(pairId),
    noise: encodeBase64Url(new Uint8Array(200)),
  });
}

const PEERS = { peer: "nobody", permission: "message" };

Deno.test("A node that stops answers what is under way, and nothing that comes later", async () => {
  const test = await TestNode.start();
  const { stream, send } = lateBody();
  const underWay = test.ask("POST", "/p2p/handshake", { body: stream });
  await settle();
  const stopping = test.stop();
  await settle();
  const { status, body, headers } = await test.post("/p2p/handshake", {});
  assertEquals([status, body.code, headers.get("retry-after")], [503, "overloaded", "1"]);
  assertEquals((await test.admin("GET", "/status")).status, 503);
  send(message1(new Uint8Array(16)));
  assertEquals((await underWay).body.code, "handshake_rejected");
  await stopping;
  assertEquals((await test.admin("POST", "/peers/allow", PEERS)).status, 503);
  test.database.close();
  await test.crypto.stop();
});

Deno.test("A request that outlasts a node's stop is refused, and no error of the database is logged", async () => {
  const test = await TestNode.start();
  const { info } = await test.introduce();
  const { stream, send } = lateBody();
  const late = test.ask("POST", "/p2p/handshake", { body: stream });
  await settle();
  await test.stop();
  send(message1(info.pairId));
  const { status, body } = await late;
  assertEquals([status, body.code], [503, "overloaded"]);
  assertEquals(test.log.errors, []);
  test.database.close();
  await test.crypto.stop();
});
