import { assertEquals, assertRejects } from "@std/assert";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { MessagingWorld, PEERS } from "./messaging_world.ts";

const [PEER] = PEERS;

async function codeOf(asking: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => asking, OpenRedError)).code;
}

Deno.test("POST /messages says that a text is queued once nobody took it in time", async () => {
  using messaging = await MessagingWorld.start();
  const sending = messaging.send(PEER, "hello", 10_000);
  await messaging.world.parts.clock.advance(9_999);
  const state = (ms: number) =>
    Promise.race([sending.then((sent) => sent.state), settle().then(() => `open at ${ms}`)]);
  assertEquals(await state(9_999), "open at 9999");
  await messaging.world.parts.clock.advance(1);
  assertEquals(await state(10_000), "queued");
  const [id] = messaging.world.sender.takeIds();
  assertEquals(await sending, { id: id!, peer: PEER, state: "queued", rtt_ms: null });
  assertEquals(messaging.waiting(PEER), 1);
});

for (const moment of ["while it waits", "before it does"]) {
  Deno.test(`POST /messages waits for nothing once whoever asked has gone ${moment}`, async () => {
    using messaging = await MessagingWorld.start();
    const gone = new AbortController();
    const { handler } = messaging.hosted.host.runs.get("messaging")!.registered.routes
      .find(({ method }) => method === "POST")!;
    const answer = handler({
      method: "POST",
      path: "/messages",
      params: {},
      query: {},
      body: new TextEncoder().encode(JSON.stringify({ peer: PEER, text: "hi", wait_ms: 300_000 })),
      signal: gone.signal,
    });
    if (moment === "while it waits") await settle();
    gone.abort();
    assertEquals(((await answer).json as { state: string }).state, "queued");
  });
}

Deno.test("POST /messages takes input of exactly its form, and stores nothing of another one", async () => {
  using messaging = await MessagingWorld.start();
  const good = { peer: PEER, text: "hello", wait_ms: 0 };
  const bad: unknown[] = [
    {},
    [],
    { ...good, text: "" },
    { ...good, text: 5 },
    { ...good, text: "x".repeat(262_145) },
    { ...good, text: "é".repeat(131_073) },
    { ...good, wait_ms: -1 },
    { ...good, wait_ms: 300_001 },
    { ...good, more: 1 },
    { ...good, peer: "" },
  ];
  for (const input of bad) {
    const asking = messaging.hosted.ask("POST", "/m/messaging/messages", input);
    assertEquals([input, await codeOf(asking)], [input, "bad_request"]);
  }
  for (const body of ["", "{", "\xff"]) {
    const asking = messaging.hosted.request("POST", "/m/messaging/messages", body);
    assertEquals([body, await codeOf(asking)], [body, "bad_request"]);
  }
  assertEquals(messaging.waiting(PEER), 0);
  const { state } = await messaging.hosted.ask("POST", "/m/messaging/messages", {
    ...good,
    text: "é".repeat(131_072),
  });
  assertEquals(state, "queued");
});

Deno.test("GET /inbox takes queries of exactly their form, and says where to go on", async () => {
  using messaging = await MessagingWorld.start();
  const bad = ["after=-1", "after=x", "limit=0", "limit=1001", "after=99999999999999999", "more=1"];
  for (const query of bad) assertEquals(await codeOf(messaging.inbox(query)), "bad_request");
  for (let index = 1; index <= 3; index++) await messaging.receive({ peer: PEER, id: `a${index}` });
  const page = async (query: string) =>
    (await messaging.hosted.ask("GET", `/m/messaging/inbox?${query}`)).cursor;
  assertEquals([await page("limit=2"), await page("after=2&limit=2")], [2, 3]);
  assertEquals([await page("after=3"), await page("after=7")], [3, 7]);
});
