import { assert, assertEquals } from "@std/assert";
import { decodeBase64Url, type NodeId } from "../../../crypto/encoding.ts";
import { PostQueue } from "../../../peer/p2p/post_queue.ts";
import type { HttpAnswer, HttpRequest } from "../../../ports/ports.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { answerJson, FakeHttp } from "../../world/fake_http.ts";
import { settle } from "../../world/settle.ts";

const PEER = testIdentity(1).id;
const OTHER = testIdentity(2).id;

function setUp() {
  const http = new FakeHttp();
  const told = {
    unknown: [] as NodeId[],
    dropped: 0,
    waiting: [] as (() => void)[],
    isOtherRefused: false,
  };
  let answer = (_request: HttpRequest): HttpAnswer => answerJson(200, { received: true });
  http.serve("https://", async (request) => {
    await new Promise<void>((resolve) => told.waiting.push(resolve));
    return answer(request);
  });
  const queue = new PostQueue({
    http,
    urlOf: (peer) => (peer === PEER || peer === OTHER ? `https://${peer.slice(-4)}` : null),
    checkUrl: (url) =>
      url.endsWith(OTHER.slice(-4)) && told.isOtherRefused
        ? Promise.reject(new OpenRedError("url_refused", "A private address"))
        : Promise.resolve(),
    unknown: (peer) => told.unknown.push(peer),
    dropped: () => told.dropped += 1,
  });
  const release = async () => {
    for (const open of told.waiting.splice(0)) open();
    await settle();
  };
  return { http, told, queue, release, answerWith: (next: typeof answer) => answer = next };
}

function frame(fill: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(60).fill(fill);
  bytes[0] = 3;
  return bytes;
}

Deno.test("PostQueue posts a frame with its session id, as the seed has it", async () => {
  const { http, queue, release } = setUp();
  queue.send(PEER, frame(7));
  await settle();
  await release();
  const [request] = http.requests;
  assertEquals([request?.method, request?.url], ["POST", `https://${PEER.slice(-4)}/p2p/message`]);
  const body = JSON.parse(new TextDecoder().decode(request?.body));
  assertEquals(decodeBase64Url(body.data), frame(7));
  assertEquals(decodeBase64Url(body.session_id), frame(7).slice(1, 17));
  assertEquals(Object.keys(body).sort(), ["data", "session_id"]);
});

Deno.test("PostQueue has four under way to each peer, and 256 behind them", async () => {
  const { http, told, queue, release } = setUp();
  for (let index = 0; index < 300; index++) queue.send(PEER, frame(index));
  queue.send(OTHER, frame(1));
  await settle();
  assertEquals(http.requests.length, 5);
  assertEquals(told.dropped, 300 - 260);
  while (told.waiting.length > 0) await release();
  assertEquals(http.requests.length, 261);
});

Deno.test("PostQueue has at most 4 MiB behind those under way, and room again later", async () => {
  const { told, queue, release } = setUp();
  const long = new Uint8Array(512 * 1024).fill(1);
  for (let index = 0; index < 20; index++) queue.send(PEER, long);
  await settle();
  assertEquals(told.dropped, 20 - 4 - 8);
  while (told.waiting.length > 0) await release();
  queue.send(PEER, long);
  await settle();
  assertEquals(told.dropped, 8);
  await release();
});

Deno.test("PostQueue hints at an unknown session, and goes on after a failure", async () => {
  const { told, queue, release, answerWith } = setUp();
  answerWith(() => answerJson(404, { code: "session_unknown" }));
  queue.send(PEER, frame(1));
  await settle();
  await release();
  assertEquals(told.unknown, [PEER]);
  answerWith(() => {
    throw new OpenRedError("unreachable", "Nobody is there");
  });
  queue.send(PEER, frame(2));
  await settle();
  await release();
  queue.send(PEER, frame(3));
  await settle();
  assertEquals(told.waiting.length, 1);
});

Deno.test("PostQueue sends nothing to who has no URL or one not to be called, and nothing that is no frame", async () => {
  const { http, queue, told } = setUp();
  told.isOtherRefused = true;
  queue.send(OTHER, frame(1));
  queue.send(testIdentity(3).id, frame(1));
  queue.send(PEER, new Uint8Array(10));
  await settle();
  assertEquals(http.requests.length, 0);
});

Deno.test("PostQueue.stop() lets what is under way leave for a moment, then ends the rest", async () => {
  const { http, told, queue, release } = setUp();
  for (let index = 0; index < 5; index++) queue.send(PEER, frame(index));
  await settle();
  let end = () => {};
  const stopping = queue.stop(new Promise((resolve) => end = resolve));
  await release();
  assertEquals(http.requests.length, 5);
  end();
  await settle();
  assert(http.requests[4]?.signal?.aborted);
  for (const open of told.waiting.splice(0)) open();
  await stopping;
});
