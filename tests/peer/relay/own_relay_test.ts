import { assert, assertEquals } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { encodeRelayClose, encodeRelayData } from "../../../protocol/relay_frames.ts";
import { until } from "../../world/until.ts";
import { RELAY, RELAY_URL } from "../../relay/relay_world.ts";
import { helloOf, OTHER_RELAY, RelayedNode } from "./relayed_world.ts";

const NONCE = `nonce=${"A".repeat(22)}&directory=${RELAY.id}`;

Deno.test("a node proves a link by its relay's id, URL and nonce, and is called at the relay's URL", async () => {
  await using node = new RelayedNode();
  const end = await node.behind();
  end.say("hello", helloOf());
  const { iss, aud, url, nonce, instance } = await end.proof();
  assertEquals([iss, aud, url, nonce.length, instance.length], [
    node.id,
    RELAY.id,
    RELAY_URL,
    22,
    22,
  ]);
  assertEquals(node.node.apiUrl, `${RELAY_URL}/r/${node.id}`);
});

Deno.test("a node signs nothing for a relay of another URL, another id than expected, or without a record", async () => {
  const cases: [string, string | null][] = [
    [helloOf(RELAY, "https://other.example"), null],
    [helloOf(OTHER_RELAY), RELAY.id],
    [JSON.stringify({ v: 3, nonce: "A".repeat(22), relay: "e30.e30.e30" }), null],
    [JSON.stringify({ v: 3, nonce: "short", relay: "e30.e30.e30" }), null],
    ["no JSON", null],
  ];
  for (const [hello, id] of cases) {
    await using node = new RelayedNode();
    const end = await node.behind({ relay: { url: RELAY_URL, id: id as never } });
    end.say("hello", hello);
    await until(() => end.socket.closed !== null, "the node to end the link");
    assertEquals(end.news(), []);
  }
});

Deno.test("the first relay that answers is pinned, and another one later is refused and told of", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  end.socket.leave();
  const next = await node.nextLink(2);
  next.say("hello", helloOf(OTHER_RELAY));
  await until(() => next.socket.closed !== null, "the node to end the link");
  assertEquals(next.news(), []);
  await until(async () => {
    const { relay, warnings } = await node.status();
    return relay?.last_error === "other_relay" && warnings.some((text) => text.includes("#ID"));
  }, "the warning");
});

Deno.test("an owner names a relay while the node runs, another one, and none: each counts at once", async () => {
  await using node = new RelayedNode();
  await node.start({ allowPrivate: false });
  const own = node.node.apiUrl;
  const name = (value: string | null) =>
    node.admin.ask("POST", "/settings", { name: "relay", value });
  await name(RELAY_URL);
  const first = await node.nextLink(1);
  assertEquals(node.node.apiUrl, own);
  await node.ready(first);
  assertEquals(node.node.apiUrl, `${RELAY_URL}/r/${node.id}`);
  await name("https://other.example");
  assert(first.socket.closed !== null);
  const second = await node.nextLink(2);
  assertEquals((await node.status()).relay?.url, "https://other.example");
  await name(null);
  assert(second.socket.closed !== null);
  assertEquals((await node.status()).relay, null);
  assertEquals(node.node.apiUrl, own);
});

Deno.test("a node that listens nowhere keeps its relay until the next start", async () => {
  await using node = new RelayedNode();
  const end = await node.linked({ apiUrl: "" });
  await node.admin.ask("POST", "/settings", { name: "relay", value: null });
  assertEquals(end.socket.closed, null);
  assertEquals((await node.status()).relay?.state, "linked");
  assertEquals(node.node.apiUrl, `${RELAY_URL}/r/${node.id}`);
});

Deno.test("words out of their turn, and streams before a link is ready, end it", async () => {
  const wrong: ((end: Awaited<ReturnType<RelayedNode["behind"]>>) => void)[] = [
    (end) => end.open(1, { target: "/identity" }),
    (end) => end.say("ready", JSON.stringify({ url: "x" })),
    (end) => {
      end.say("hello", helloOf());
      end.say("hello", helloOf());
    },
    (end) => end.socket.say(null),
  ];
  for (const send of wrong) {
    await using node = new RelayedNode();
    const end = await node.behind();
    send(end);
    await until(() => end.socket.closed !== null, "the node to end the link");
  }
});

Deno.test("a node that was replaced stops and tells its owner; one that is sent away comes back then", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  end.say("bye", JSON.stringify({ code: "restarting", retry_after_ms: 1 }));
  end.socket.leave();
  const next = await node.nextLink(2);
  next.say("bye", JSON.stringify({ code: "replaced" }));
  next.socket.leave();
  await until(async () => (await node.status()).relay?.state === "replaced", "the node to stop");
  const { warnings } = await node.status();
  assert(warnings.some((text) => text.includes("another running node has this one's keys")));
  assertEquals(node.links.length, 2);
});

Deno.test("a request through a relay enters the node's own routes", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  end.open(1, { target: `/identity?${NONCE}` });
  const { head, text } = await end.answer(1);
  assertEquals([head.status, head.length, head.headers["content-type"]], [
    200,
    encodeUtf8(text).length,
    "application/json",
  ]);
  assertEquals(Object.keys(head.headers), ["content-type"]);
  assertEquals(Object.keys(JSON.parse(text)), ["record", "identity"]);
  const body = encodeUtf8("{}");
  end.open(2, { method: "POST", target: "/p2p/handshake", length: body.length });
  end.socket.say(encodeRelayData(2, body, true));
  assertEquals((await end.answer(2)).head.status, 400);
  end.open(3, { kind: "channel", target: "/p2p/channel" });
  assertEquals((await end.answer(3)).head.status, 101);
  end.open(4, {
    kind: "channel",
    target: "/p2p/channel",
    headers: { origin: "https://x.example" },
  });
  assertEquals((await end.answer(4)).head.status, 403);
});

Deno.test("a node takes nothing through a relay but what the protocol lets through", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  const wrong = [
    { target: "/admin/v1/status" },
    { target: "/m/messaging/inbox" },
    { target: "/p2p/message/send", method: "POST", length: 2 },
    { target: "/p2p/file/../../x" },
    { target: "/p2p/channel" },
    { target: "/identity", kind: "channel" },
    { target: "/identity", length: 5 },
    { target: "/identity", headers: { "x-forwarded-for": "192.0.2.1" } },
    { target: "/identity", headers: { authorization: "Bearer x" } },
    { target: "/identity", source: "short" },
    { target: "/identity", method: "DELETE" },
  ];
  let stream = 0;
  for (const head of wrong) {
    end.open(++stream, head);
    assertEquals([head, (await end.answer(stream)).code], [head, 1008]);
  }
  assertEquals(end.socket.closed, null);
});

Deno.test("bodies of another length than was said end their exchange alone", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  const say = (stream: number, bytes: number, isLast: boolean) =>
    end.socket.say(encodeRelayData(stream, new Uint8Array(bytes), isLast));
  end.open(1, { method: "POST", target: "/p2p/message", length: 4 });
  say(1, 5, true);
  assertEquals((await end.answer(1)).code, 1002);
  end.open(2, { method: "POST", target: "/p2p/message", length: 4 });
  say(2, 3, true);
  assertEquals((await end.answer(2)).code, 1002);
  end.open(3, { target: `/identity?${NONCE}` });
  assertEquals((await end.answer(3)).head.status, 200);
});

Deno.test("of one relay a node takes so much at a time, whatever the sources are called", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  for (let stream = 1; stream <= 97; stream++) {
    const source = btoa(String.fromCharCode(...new Uint8Array(16).fill(stream)))
      .replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
    end.open(stream, { method: "POST", target: "/p2p/handshake", length: 10, source });
  }
  assertEquals((await end.answer(97)).code, 1013);
  end.open(98, { method: "POST", target: "/p2p/message", length: 2 });
  end.socket.say(encodeRelayData(98, encodeUtf8("{}"), true));
  assertEquals((await end.answer(98)).head.status, 400);
});

Deno.test("browsers with links leave places of a node to everybody else", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  const target = `/f/${"A".repeat(22)}/head`;
  for (let stream = 1; stream <= 65; stream++) {
    end.open(stream, { method: "POST", target, length: 10 });
  }
  assertEquals((await end.answer(65)).code, 1013);
  end.open(66, { method: "POST", target: "/p2p/handshake", length: 2 });
  end.socket.say(encodeRelayData(66, encodeUtf8("{}"), true));
  assertEquals((await end.answer(66)).head.status, 400);
  for (let stream = 1; stream < 65; stream++) end.socket.say(encodeRelayClose(stream, 1001));
});

Deno.test("a relay that sends beyond the credit of a stream loses the link", async () => {
  await using node = new RelayedNode();
  const end = await node.linked();
  end.open(1, { method: "POST", target: "/p2p/handshake", length: 2 ** 30 });
  for (let count = 0; count < 5; count++) {
    end.socket.say(encodeRelayData(1, new Uint8Array(65_528), false));
  }
  assertEquals(end.socket.closed, 1002);
});

Deno.test("a node says why there is no link", async () => {
  await using node = new RelayedNode();
  await node.start({ relay: { url: "http://127.0.0.1:1", id: null }, allowPrivate: false });
  const { warnings, relay } = await node.status();
  assertEquals([relay?.state, relay?.last_error], ["trying", "unreachable"]);
  assert(warnings.some((text) => text.includes("not a public one; --allow-private")));
});
