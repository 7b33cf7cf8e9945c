import { assert, assertEquals } from "@std/assert";
import { concatBytes, encodeUtf8 } from "../../crypto/encoding.ts";
import { MAX_RELAY_DATA_BYTES, RELAY_CREDIT_BYTES } from "../../protocol/limits.ts";
import { settle } from "../world/settle.ts";
import { until } from "../world/until.ts";
import { testIdentity } from "../protocol/signer.ts";
import { DEFAULT_RELAY_LIMITS } from "../../relay/config.ts";
import { type LinkedEnd, RELAY, RELAY_URL, RelayWorld } from "./relay_world.ts";

const NONCE = `nonce=${"A".repeat(22)}&directory=${RELAY.id}`;

async function codeOf(answer: Response | Promise<Response>): Promise<[number, string]> {
  const response = await answer;
  return [response.status, (await response.json()).code];
}

Deno.test("a relay greets with its record and a fresh nonce, and takes a proof", async () => {
  const world = new RelayWorld();
  const plain = await (await world.ask("/relay/v1")).json();
  const { end } = await world.visit(1);
  const other = await world.visit(2);
  const hello = end.word("hello");
  assertEquals([hello.v, hello.relay, plain], [3, "e30.e30.e30", { relay: hello.relay }]);
  assert(hello.nonce !== other.end.word("hello").nonce && hello.nonce.length === 22);
  end.prove();
  await settle();
  assertEquals(end.word("ready"), { url: `${RELAY_URL}/r/${end.id}` });
  assertEquals(world.relay.size, 1);
});

Deno.test("a relay refuses a proof of another link, relay, URL or signer", async () => {
  const wrong: ((end: LinkedEnd) => void)[] = [
    (end) => end.prove({ nonce: "A".repeat(22) }),
    (end) => end.prove({ aud: testIdentity(2).id }),
    (end) => end.prove({ url: "https://other.example" }),
    (end) => end.prove({ iss: testIdentity(3).id }),
    (end) => end.prove({ instance: "short" }),
    (end) => end.prove({ must: ["more"] }),
    (end) => end.proveBy("no JWS"),
  ];
  for (const prove of wrong) {
    const world = new RelayWorld();
    const { end } = await world.visit(1);
    prove(end);
    await until(() => end.socket.closed !== null, "the link to end");
    assertEquals([end.word("bye"), world.relay.size], [{ code: "proof_invalid" }, 0]);
  }
});

Deno.test("a relay waits five seconds for a proof, and takes no frame of a stream before it", async () => {
  const world = new RelayWorld();
  const { end } = await world.visit(1);
  await world.clock.advance(4_999);
  assertEquals(end.socket.closed, null);
  await world.clock.advance(1);
  assertEquals([end.socket.closed, end.word("bye")], [1001, { code: "proof_invalid" }]);
  const early = (await world.visit(2)).end;
  early.data(1, Uint8Array.of(1), true);
  assertEquals(early.socket.closed, 1002);
});

Deno.test("a link of the same instance takes the place of its former one without a word", async () => {
  const world = new RelayWorld();
  const former = await world.link(1);
  const next = await world.link(1);
  assertEquals([former.socket.closed, former.word("bye"), next.socket.closed], [1001, null, null]);
  assertEquals((await world.call(next, `/identity?${NONCE}`)).stream, 1);
  former.socket.leave();
  assertEquals(world.relay.size, 1);
});

Deno.test("another instance replaces one at most once a minute", async () => {
  const world = new RelayWorld();
  const first = await world.link(1, { instance: 1 });
  const second = await world.link(1, { instance: 2 });
  assertEquals([first.word("bye"), second.socket.closed], [{ code: "replaced" }, null]);
  await world.clock.advance(10_000);
  const third = await world.link(1, { instance: 3 });
  assertEquals(third.word("bye"), { code: "occupied", retry_after_ms: 50_000 });
  await world.clock.advance(50_000);
  await world.link(1, { instance: 3 });
  assertEquals(second.word("bye"), { code: "replaced" });
});

Deno.test("a relay takes as many nodes as it has places, of those it is for, and few of one address", async () => {
  const full = new RelayWorld({ limits: { nodes: 2 } });
  await full.link(1);
  const second = await full.link(2);
  assertEquals((await full.link(3)).word("bye").code, "full");
  second.socket.leave();
  assertEquals((await full.link(3)).word("bye"), null);
  const closed = new RelayWorld({ config: { allowed: [testIdentity(1).id] } });
  assertEquals((await closed.link(1)).word("bye"), null);
  assertEquals((await closed.link(2)).word("bye"), { code: "forbidden" });
  const crowded = new RelayWorld({ limits: { nodesPerAddress: 1 } });
  await crowded.link(1);
  assertEquals(await codeOf((await crowded.visit(2)).response), [503, "overloaded"]);
  assertEquals((await crowded.link(2, { address: "198.51.100.2" })).word("bye"), null);
});

Deno.test("a relay passes a request and its answer on, with what of their heads goes through", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const body = new Uint8Array(2 * MAX_RELAY_DATA_BYTES).fill(7);
  const { answer, stream, head } = await world.call(node, "/p2p/message", {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "openred-hint": "1",
      "cookie": "x=1",
      "authorization": "Basic eA==",
      "x-forwarded-for": "203.0.113.1",
      "forwarded": "for=203.0.113.1",
    },
  });
  const { kind, method, target, length, headers, source } = head;
  assertEquals([kind, method, target, length], [
    "exchange",
    "POST",
    "/p2p/message",
    body.length,
  ]);
  assertEquals(headers, { "content-type": "application/json", "openred-hint": "1" });
  assertEquals(source.length, 22);
  await settle();
  const frames = node.news().filter((frame) => frame.kind === "data");
  assert(concatBytes(...frames.map(({ data }) => data)).every((byte) => byte === 7));
  assertEquals(frames.reduce((sum, { data }) => sum + data.length, 0), body.length);
  assertEquals(frames.map(({ isLast }) => isLast).filter(Boolean).length, 1);
  const more = { "set-cookie": "x=1", "retry-after": "3", "location": "/" };
  node.answer(stream, {
    status: 503,
    length: 2,
    headers: { "content-type": "application/problem+json", ...more },
  });
  node.data(stream, encodeUtf8("{}"), true);
  const response = await answer;
  assertEquals([response.status, await response.text()], [503, "{}"]);
  assertEquals(Object.fromEntries(response.headers), {
    "cache-control": "no-store, no-transform",
    "content-length": "2",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": "application/problem+json",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "retry-after": "3",
    "x-content-type-options": "nosniff",
  });
});

Deno.test("nothing that a node answers is a document of the relay's", async () => {
  for (const type of ["text/html", "image/svg+xml", "application/json; charset=x", ""]) {
    const world = new RelayWorld();
    const node = await world.link(1);
    const { answer, stream } = await world.call(node, "/p2p/file/abc");
    node.answer(stream, { length: 1, headers: type === "" ? {} : { "content-type": type } });
    node.data(stream, Uint8Array.of(60), true);
    assertEquals((await answer).headers.get("content-type"), "application/octet-stream");
    await (await answer).body?.cancel();
  }
});

Deno.test("a relay passes nothing but the paths of the wire, as they are written", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const paths = [
    "/",
    "/p2p/message/send",
    "/p2p/message/",
    "/p2p/./message",
    "/p2p//message",
    "/p2p/%6dessage",
    "/p2p/../admin/v1/status",
    "/p2p/file/",
    "/p2p/file/a/b",
    "/p2p/file/a%2fb",
    "/f/abc",
    `/f/${"A".repeat(22)}`,
    `/f/${"A".repeat(22)}/${"b".repeat(22)}/data`,
    "/f/-/page.js",
    "/admin/v1/status",
    "/identity?nonce=%41",
    "/identity?a=1?b=2",
    "/IDENTITY",
  ];
  for (const path of paths) {
    const { answer } = await world.call(node, path);
    assertEquals([path, ...await codeOf(answer)], [path, 404, "not_found"]);
  }
  const wrong = await world.call(node, "/identity", { method: "POST", body: new Uint8Array(1) });
  assertEquals(await codeOf(wrong.answer), [405, "method_not_allowed"]);
  assertEquals(node.news(), []);
});

const LINK = `/f/${"A".repeat(22)}`;

function pageOf(name: string): Promise<Response | null> {
  return Promise.resolve(name === "" || name === "page.js" ? new Response(`own ${name}`) : null);
}

Deno.test("a relay that shows links serves their page itself, and passes on what the page asks", async () => {
  const world = new RelayWorld({ linkPage: pageOf });
  const node = await world.link(1);
  assertEquals(node.word("ready").links, true);
  for (const [path, text] of [[LINK, "own "], ["/f/-/page.js", "own page.js"]] as const) {
    assertEquals(await (await world.ask(`/r/${node.id}${path}`)).text(), text);
    const posted = await world.ask(`/r/${node.id}${path}`, { method: "POST" });
    assertEquals(await codeOf(posted), [405, "method_not_allowed"]);
  }
  assertEquals(node.news(), []);
  const ticket = `${LINK}/${"b".repeat(22)}`;
  for (
    const [method, path] of [
      ["POST", `${LINK}/head`],
      ["POST", `${LINK}/tickets`],
      ["GET", `${ticket}/layer`],
      ["GET", `${ticket}/data`],
      ["POST", `${LINK}/request`],
      ["POST", `${LINK}/uploads`],
      ["POST", `${ticket}/0/12?last=1`],
      ["POST", `${ticket}/done`],
    ] as const
  ) {
    const body = method === "POST" ? { body: encodeUtf8("{}") } : {};
    const { answer, stream, head } = await world.call(node, path, { method, ...body });
    assertEquals([head.method, head.target], [method, path]);
    const type = "text/html";
    node.answer(stream, { status: 200, length: 1, headers: { "content-type": type } });
    node.data(stream, Uint8Array.of(60), true);
    const { headers } = await answer;
    assertEquals(headers.get("content-type"), "application/octet-stream");
    assertEquals(headers.get("content-security-policy"), "default-src 'none'; sandbox");
    await (await answer).bytes();
  }
  for (
    const path of [
      "/f/",
      "/f/-/",
      "/f/-/../page.js",
      "/f/-/other.js",
      `${LINK}/`,
      `${LINK}/heads`,
      `${LINK}/%68ead`,
      `${ticket}/-1/0`,
      `${ticket}/data/more`,
    ]
  ) {
    const { answer } = await world.call(node, path);
    assertEquals([path, ...await codeOf(answer)], [path, 404, "not_found"]);
  }
});

Deno.test("browsers with links have half of a node's places, and count for their address", async () => {
  const limits = { exchangesPerNode: 4, exchangesPerAddress: 0, callsPerMinute: 5 };
  const world = new RelayWorld({ limits, linkPage: pageOf });
  const node = await world.link(1);
  const from = (last: number) => ({ address: `192.0.2.${last}` });
  const read = (last: number) => world.call(node, `${LINK}/${"b".repeat(22)}/data`, from(last));
  await read(1);
  await read(2);
  assertEquals(await codeOf((await read(3)).answer), [503, "overloaded"]);
  const { stream } = await world.call(node, "/identity", from(4));
  assert(stream !== 0, "others have their places");
  for (let count = 0; count < 5; count++) await world.ask(`/r/${node.id}${LINK}`, from(5));
  assertEquals(await codeOf(world.ask(`/r/${node.id}${LINK}`, from(5))), [429, "rate_limited"]);
});

Deno.test("a relay takes bodies of the length they name, and none without", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const stream = () =>
    new ReadableStream({ pull: (c) => (c.enqueue(Uint8Array.of(1)), c.close()) });
  const none = await world.call(node, "/p2p/message", { method: "POST", body: stream() });
  assertEquals(await codeOf(none.answer), [411, "length_required"]);
  const chunked = await world.call(node, "/p2p/message", {
    method: "POST",
    body: stream(),
    headers: { "transfer-encoding": "chunked", "content-length": "1" },
  });
  assertEquals(await codeOf(chunked.answer), [411, "length_required"]);
  const short = await world.call(node, "/p2p/message", {
    method: "POST",
    body: stream(),
    headers: { "content-length": "2" },
  });
  assertEquals(await codeOf(short.answer), [502, "unreachable"]);
  assertEquals(node.news().at(-1)?.kind, "close");
});

Deno.test("a node that answers in another length than it said breaks that exchange alone", async () => {
  const answers: ((node: LinkedEnd, stream: number) => void)[] = [
    (node, stream) => node.data(stream, Uint8Array.of(1), true),
    (node, stream) => node.answer(stream, { status: 302, length: 0 }),
    (node, stream) => node.answer(stream, { status: 101, length: 0 }),
    (node, stream) => node.answer(stream, { length: -1 }),
    (node, stream) => node.close(stream, 1001),
  ];
  const world = new RelayWorld();
  const node = await world.link(1);
  for (const give of answers) {
    const { answer, stream } = await world.call(node, `/identity?${NONCE}`);
    give(node, stream);
    assertEquals(await codeOf(answer), [502, "unreachable"]);
  }
  for (const [length, isLast] of [[2, true], [3, true], [3, false]] as const) {
    const { answer, stream } = await world.call(node, `/identity?${NONCE}`);
    node.answer(stream, { length: 2 });
    node.data(stream, new Uint8Array(length), isLast);
    const read = await (await answer).bytes().then(({ length }) => length, () => "broken");
    assertEquals([length, isLast, read], [length, isLast, length === 2 ? 2 : "broken"]);
  }
  assertEquals(node.socket.closed, null);
});

Deno.test("a node that answers with a body where HTTP has none breaks that exchange alone", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  for (const status of [204, 205]) {
    const { answer, stream } = await world.call(node, `/identity?${NONCE}`);
    node.answer(stream, { status, length: 5 });
    node.data(stream, new Uint8Array(4), false);
    assertEquals([status, await codeOf(answer)], [status, [502, "unreachable"]]);
    assertEquals([node.news().at(-1)?.kind, world.relay.unreadBytes], ["close", 0]);
  }
  const { answer, stream } = await world.call(node, `/identity?${NONCE}`);
  node.answer(stream, { status: 204, length: 0 });
  assertEquals((await answer).status, 204);
  assertEquals(node.socket.closed, null);
});

Deno.test("a node without a link is unreachable", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  node.socket.leave();
  assertEquals(await codeOf(world.ask(`/r/${node.id}/identity?${NONCE}`)), [502, "unreachable"]);
  const never = testIdentity(9).id;
  assertEquals(await codeOf(world.ask(`/r/${never}/identity?${NONCE}`)), [502, "unreachable"]);
});

Deno.test("the end of a link ends what is under way on it", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const { answer } = await world.call(node, `/identity?${NONCE}`);
  node.socket.leave();
  assertEquals(await codeOf(answer), [502, "unreachable"]);
});

Deno.test("an exchange has 30 s without anything moving, and a minute in all; a file only the first", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const silent = await world.call(node, `/identity?${NONCE}`);
  await world.clock.advance(30_000);
  assertEquals(await codeOf(silent.answer), [502, "unreachable"]);
  for (
    const [target, isEnded] of [[`/identity?${NONCE}`, true], ["/p2p/file/abc", false]] as const
  ) {
    const { answer, stream } = await world.call(node, target);
    node.answer(stream, { length: 100 });
    const reader = (await answer).body!.getReader();
    for (let count = 0; count < 4; count++) {
      await world.clock.advance(14_000);
      node.data(stream, Uint8Array.of(1), false);
      assertEquals((await reader.read()).done, false);
    }
    await world.clock.advance(4_000);
    const isClosed = node.news().some((f) => f.kind === "close" && f.stream === stream);
    assertEquals([target, isClosed], [target, isEnded]);
    await reader.cancel().catch(() => {});
  }
});

Deno.test("a caller that reads nothing gets no more than the credit of its stream", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const { answer, stream } = await world.call(node, "/p2p/file/abc");
  node.answer(stream, { length: 2 ** 30 });
  const response = await answer;
  const part = new Uint8Array(MAX_RELAY_DATA_BYTES);
  for (let count = 0; count < 4; count++) node.data(stream, part, false);
  await settle();
  assertEquals(node.news().filter(({ kind }) => kind === "credit"), []);
  assert(world.relay.unreadBytes <= RELAY_CREDIT_BYTES && world.relay.unreadBytes > 0);
  node.data(stream, part, false);
  await settle();
  assertEquals([node.socket.closed, world.relay.unreadBytes], [1002, 0]);
  await response.body!.cancel().catch(() => {});
});

Deno.test("where too much waits for slow readers, whoever has most waiting gives way", async () => {
  const world = new RelayWorld({ limits: { unreadBytes: 150_000 } });
  const node = await world.link(1);
  const small = await world.call(node, "/p2p/file/small");
  const large = await world.call(node, "/p2p/file/large");
  for (const { stream } of [small, large]) node.answer(stream, { length: 2 ** 20 });
  await Promise.all([small.answer, large.answer]);
  node.data(small.stream, new Uint8Array(10_000), false);
  for (let count = 0; count < 3; count++) {
    node.data(large.stream, new Uint8Array(MAX_RELAY_DATA_BYTES), false);
  }
  await settle();
  const closed = node.news().flatMap((f) => f.kind === "close" ? [[f.stream, f.code]] : []);
  assertEquals([closed, world.relay.unreadBytes], [[[large.stream, 1013]], 10_000]);
  const reader = (await small.answer).body!.getReader();
  assertEquals((await reader.read()).value?.length, 10_000);
  await reader.cancel();
});

Deno.test("places for exchanges: of a node, of a source, and some of them for sessions alone", async () => {
  const post = { method: "POST", body: new Uint8Array(1) };
  const world = new RelayWorld({ limits: { exchangesPerNode: 4 } });
  const node = await world.link(1);
  for (const address of ["192.0.2.2", "192.0.2.2", "192.0.2.3"]) {
    await world.call(node, `/identity?${NONCE}`, { address });
  }
  const fourth = await world.call(node, `/identity?${NONCE}`);
  assertEquals(await codeOf(fourth.answer), [503, "overloaded"]);
  const message = await world.call(node, "/p2p/message", post);
  assert(message.stream > 0);
  assertEquals(await codeOf((await world.call(node, "/p2p/message", post)).answer), [
    503,
    "overloaded",
  ]);
  node.answer(message.stream, { length: 0 });
  await message.answer;
  assert((await world.call(node, "/p2p/message", post)).stream > 0);
  const few = new RelayWorld({ limits: { exchangesPerAddress: 1 } });
  const other = await few.link(1);
  await few.call(other, `/identity?${NONCE}`);
  const second = await few.call(other, `/identity?${NONCE}`);
  assertEquals(await codeOf(second.answer), [503, "overloaded"]);
  const elsewhere = await few.call(other, `/identity?${NONCE}`, { address: "192.0.2.2" });
  assert(elsewhere.stream > 0);
});

Deno.test("one source has at most half of the places of a node", async () => {
  const world = new RelayWorld();
  const node = await world.link(1);
  const post = (address: string) =>
    world.call(node, "/p2p/message", { method: "POST", body: new Uint8Array(1), address });
  const open = async (address: string) => {
    for (let count = 0;; count++) if ((await post(address)).stream === 0) return count;
  };
  assertEquals(await open("192.0.2.1"), DEFAULT_RELAY_LIMITS.exchangesPerNode / 2);
  assertEquals(await codeOf((await post("192.0.2.1")).answer), [503, "overloaded"]);
  assert((await post("192.0.2.2")).stream > 0);
  const other = await world.link(2);
  assert((await world.call(other, `/identity?${NONCE}`)).stream > 0);
});

Deno.test("one source begins so many calls a minute, whatever it calls", async () => {
  const world = new RelayWorld({ limits: { callsPerMinute: 2 } });
  const path = `/r/${testIdentity(9).id}/identity?${NONCE}`;
  for (let count = 0; count < 2; count++) assertEquals((await world.ask(path)).status, 502);
  assertEquals(await codeOf(world.ask(path)), [429, "rate_limited"]);
  assertEquals((await world.ask(path, { address: "192.0.2.2" })).status, 502);
  await world.clock.advance(60_000);
  assertEquals((await world.ask(path)).status, 502);
});

Deno.test("sources are named by address, differently for each node and each day", async () => {
  const world = new RelayWorld();
  const [one, two] = [await world.link(1), await world.link(2)];
  const sourceOf = async (node: LinkedEnd, address: string) =>
    (await world.call(node, `/identity?${NONCE}`, { address })).head.source as string;
  const first = await sourceOf(one, "2001:db8:1:2::1");
  assertEquals(await sourceOf(one, "2001:db8:1:2:ffff::9"), first);
  const others = [
    await sourceOf(one, "2001:db8:1:3::1"),
    await sourceOf(one, "192.0.2.7"),
    await sourceOf(two, "2001:db8:1:2::1"),
  ];
  world.clock.step(24 * 3_600_000);
  others.push(await sourceOf(one, "2001:db8:1:2::1"));
  assertEquals(new Set([first, ...others]).size, 5);
});

Deno.test("beyond its bytes a second a relay gives credit later, and drops nothing", async () => {
  const world = new RelayWorld({ limits: { nodeBytesPerSecond: 64 * 1024 } });
  const node = await world.link(1);
  const { answer, stream } = await world.call(node, "/p2p/file/abc");
  node.answer(stream, { length: 4 * 65_528 });
  const reader = (await answer).body!.getReader();
  for (let count = 0; count < 3; count++) {
    node.data(stream, new Uint8Array(65_528), false);
    assertEquals((await reader.read()).value?.length, 65_528);
  }
  assertEquals(node.news(), []);
  await world.clock.advance(3_000);
  const given = node.news().reduce((sum, f) => f.kind === "credit" ? sum + f.bytes : sum, 0);
  assertEquals(given, 2 * 65_528);
  node.data(stream, new Uint8Array(65_528), true);
  assertEquals((await reader.read()).value?.length, 65_528);
  assertEquals((await reader.read()).done, true);
});

Deno.test("a relay counts links, calls, bytes and refusals, by words of the protocol", async () => {
  const world = new RelayWorld({ limits: { nodes: 1 } });
  const numbers = () =>
    Object.fromEntries(
      world.relay.numbers().flatMap(({ name, samples }) =>
        samples.filter(({ value }) => value > 0).map(({ labels, value }) => [
          [name.replace("openred_relay_", ""), ...Object.values(labels)].join(" "),
          value,
        ])
      ),
    );
  const node = await world.link(1);
  const full = await world.link(2);
  assertEquals(full.word("bye").code, "full");
  const { answer, stream } = await world.call(node, "/p2p/file/abc");
  node.answer(stream, { length: 5 });
  node.data(stream, new Uint8Array(5), true);
  assertEquals((await (await answer).bytes()).length, 5);
  await world.ask(`/r/${testIdentity(9).id}/identity?${NONCE}`);
  assertEquals(numbers(), {
    "links": 1,
    "links_total linked": 1,
    "links_total full": 1,
    "calls_total exchange": 1,
    "refusals_total unreachable": 1,
    "bytes_total": 5,
  });
});

Deno.test("a relay that stops tells each node when to come back", async () => {
  const world = new RelayWorld();
  const nodes: LinkedEnd[] = [];
  for (const seed of [1, 2, 3, 4]) nodes.push(await world.link(seed));
  world.relay.stop();
  const byes = nodes.map((node) => node.word("bye"));
  assert(byes.every(({ code }) => code === "restarting"));
  assert(byes.every(({ retry_after_ms: ms }) => ms >= 0 && ms <= 5_080));
  assert(new Set(byes.map(({ retry_after_ms: ms }) => ms)).size > 1);
});
