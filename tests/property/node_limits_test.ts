import { assert, assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../protocol/errors.ts";
import { readBodyInTime } from "../../protocol/http.ts";
import { FakeClock } from "../world/fake_clock.ts";
import { judgeAnswer } from "./answers.ts";
import { NodeWorld } from "./node_world.ts";

const CONCURRENT = 512;

function post(body: BodyInit, path = "/tokens/receive"): Request {
  return new Request(`https://node.example${path}`, { method: "POST", body });
}

/** A body that begins and does not end until it is told to. */
function endlessBody(ended: Promise<void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(new Uint8Array([0x7b]));
      await ended;
      controller.close();
    },
  });
}

Deno.test("A node answers 429 with Retry-After to an address that asks too often, and to nobody else", async () => {
  await using world = await NodeWorld.start({ handshakesPerMinute: 3 });
  const handshake = JSON.stringify({ v: 3, suite: "x", pair_id: "A".repeat(22), noise: "" });
  const limited = [
    { count: 120, make: () => new Request("https://node.example/identity") },
    { count: 600, make: () => post("{}") },
    { count: 3, make: () => post(handshake, "/p2p/handshake") },
    { count: 120, make: () => new Request("https://node.example/p2p/channel") },
  ];
  for (const { count, make } of limited) {
    const ask = async (address: string) =>
      await judgeAnswer({
        answer: await world.node.handleFrom(make(), address),
        secrets: world.secrets,
      });
    const first = await ask("192.0.2.1");
    for (let asked = 1; asked < count; asked++) assertEquals(await ask("192.0.2.1"), first);
    assertEquals(await ask("192.0.2.1"), "rate_limited");
    assertEquals(await ask("192.0.2.2"), first);
  }
  await world.assertWorks();
});

Deno.test("A node sheds what comes beside 512 requests under way with 503 and Retry-After", async () => {
  await using world = await NodeWorld.start();
  const answers = await Promise.all(
    Array.from({ length: CONCURRENT + 1 }, (_, n) => {
      const request = new Request("https://node.example/identity");
      return world.node.handleFrom(request, `192.0.${n >> 8}.${n & 255}`);
    }),
  );
  const last = answers.pop()!;
  assert(Number(last.headers.get("retry-after")) > 0);
  assertEquals([last.status, (await last.json()).code], [503, "overloaded"]);
  assertEquals(new Set(answers.map(({ status }) => status)), new Set([400]));
  await world.assertWorks();
});

Deno.test("Bodies that are still arriving keep no other request out", async () => {
  await using world = await NodeWorld.start();
  const end = Promise.withResolvers<void>();
  const waiting = Array.from(
    { length: CONCURRENT },
    () => world.handle(post(endlessBody(end.promise))),
  );
  assertEquals((await world.handle(post("{}"))).status, 400);
  await world.assertWorks();
  end.resolve();
  for (const { status } of await Promise.all(waiting)) assertEquals(status, 400);
});

Deno.test("readBodyInTime() gives up on a body that does not end", async () => {
  const clock = new FakeClock(0);
  const end = Promise.withResolvers<void>();
  const reading = readBodyInTime(post(endlessBody(end.promise)), { maxBytes: 10, clock });
  const refused = assertRejects(() => reading, OpenRedError, "in time");
  clock.advance(9_999);
  clock.advance(1);
  await refused;
  end.resolve();
  assertEquals(
    await readBodyInTime(post("abc"), { maxBytes: 3, clock }),
    new Uint8Array([97, 98, 99]),
  );
});
