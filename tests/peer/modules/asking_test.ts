import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import type { Answered, Ask } from "../../../modules/api.ts";
import { Asking } from "../../../peer/modules/asking.ts";
import { ModuleAsks } from "../../../peer/modules/module_asks.ts";
import type { FrameDeclaration } from "../../../protocol/module_manifest.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { settle } from "../../world/settle.ts";
import { MINUTE_MS } from "../parts.ts";
import { type BothEnds, SessionWorld } from "../sessions/session_world.ts";

const BODY = encodeUtf8("who is there?");
const FRAME: FrameDeclaration = {
  type: "challenge",
  permission: undefined,
  members: ["known"],
  answers: true,
  strangers: false,
};

interface Posted {
  readonly path: string;
  readonly frame: Uint8Array;
}

/** A module that calls, a carrier that records, and a peer whose end of each session the test has. */
async function setUp(name = "authentication", kind: "built-in" | "file" = "built-in") {
  const world = await SessionWorld.create();
  const posted: Posted[] = [];
  const wanted: string[] = [];
  const state = { hasChannel: false, hasPath: true };
  const asking = new Asking({
    ...world.parts,
    table: world.table,
    carrier: {
      send: (peer, frame, options) => world.carrier.send(peer, frame, options),
      hasChannel: () => state.hasChannel,
      postCall: (_peer, { path, frame }) => {
        posted.push({ path, frame });
        return Promise.resolve(state.hasPath);
      },
    },
    want: (peer) => wanted.push(peer),
    waitForSession: (peer, { waitMs, signal }) =>
      new Promise((resolve) => {
        const look = () => resolve(world.table.current(peer));
        world.parts.clock.setTimer(Math.min(waitMs, 5_000), look);
        signal.addEventListener("abort", look);
      }),
  });
  const frames = [FRAME, { ...FRAME, type: "note", answers: false }];
  const asks = new ModuleAsks(asking, { name, kind, frames });
  const ask = (more: Partial<Ask> = {}) => {
    const asked = asks.ask({ peer: world.peer.id, type: "challenge", body: BODY, ...more });
    asked.catch(() => undefined);
    return asked;
  };
  const answer = (header: Record<string, unknown>, body = new Uint8Array()) => {
    const { type = "authentication.challenge", answer, ...rest } = header;
    const input = { type, answer, ...rest };
    asking.answered(world.peer.id, { type: String(type), answer: String(answer), input, body });
  };
  return { world, asking, asks, ask, answer, posted, wanted, state, clock: world.parts.clock };
}

async function headerOf(ends: BothEnds, frame: Uint8Array): Promise<Record<string, unknown>> {
  const opened = await ends.peer.open(frame);
  assert("header" in opened);
  return JSON.parse(opened.header);
}

async function codeOf(asked: Promise<Answered>): Promise<string> {
  return (await assertRejects(() => asked, OpenRedError)).code;
}

Deno.test("Asking sends a call on the channel, and an answer counts once", async () => {
  const test = await setUp();
  using world = test.world;
  const ends = await world.session();
  test.state.hasChannel = true;
  const asked = test.ask({ header: { known: 1 } });
  await settle();
  assertEquals([world.sent.length, test.posted.length], [1, 0]);
  const header = await headerOf(ends, world.sent[0]!.frame);
  const { ask } = header;
  assertEquals(header, { known: 1, type: "authentication.challenge", ask });
  test.answer({ answer: ask, count: 1 }, BODY);
  test.answer({ answer: ask, count: 2 });
  const { header: answered, body } = await asked;
  assertEquals([answered.count, body], [1, BODY]);
  assertEquals(world.parts.events.counters().frames_dropped, 1);
  await test.clock.advance(5 * MINUTE_MS);
  assertEquals([world.sent.length, test.posted.length, test.clock.waitingMs], [1, 0, []]);
});

Deno.test("Asking takes an answer from the peer it asked and of the type it asked, no other", async () => {
  const test = await setUp();
  using world = test.world;
  const ends = await world.session();
  const asked = test.ask();
  await settle();
  const { ask } = await headerOf(ends, test.posted[0]!.frame);
  const type = "authentication.challenge";
  const frame = { type, answer: String(ask), input: { type, answer: ask }, body: BODY };
  test.asking.answered(world.own.id, frame);
  test.answer({ type: "authentication.note", answer: ask });
  test.answer({ answer: "AAAAAAAAAAAAAAAAAAAAAA" });
  test.answer({ answer: ask }, new Uint8Array(64 * 1024 + 1));
  assertEquals(world.parts.events.counters().frames_dropped, 4);
  test.answer({ answer: ask }, BODY);
  assertEquals((await asked).body, BODY);
});

Deno.test("Asking repeats the same bytes three times, then seals anew, nine frames at most", async () => {
  const test = await setUp();
  using world = test.world;
  const ends = await world.session();
  test.state.hasChannel = true;
  const asked = test.ask({ waitMs: 2 * MINUTE_MS });
  await test.clock.advance(2 * MINUTE_MS - 1);
  assertEquals(world.sent.map(({ post }) => post), [false], "repeats go by POST, to the path");
  const frames = [world.sent[0]!.frame, ...test.posted.map(({ frame }) => frame)];
  assert(frames.length >= 7 && frames.length <= 9, `${frames.length} frames`);
  assertEquals(frames.slice(1, 4), Array(3).fill(frames[0]));
  assertNotEquals(frames[4], frames[0]);
  assertEquals(new Set(test.posted.map(({ path }) => path)), new Set(["/p2p/auth/challenge"]));
  const headers = [await headerOf(ends, frames[0]!), await headerOf(ends, frames[4]!)];
  assertEquals(headers[1], headers[0], "the same call");
  await test.clock.advance(1);
  assertEquals(await codeOf(asked), "unreachable");
  const sent = test.posted.length;
  await test.clock.advance(5 * MINUTE_MS);
  assertEquals(test.posted.length, sent);
});

Deno.test("Asking leaves a path that is not there, and calls of other types have none", async () => {
  const test = await setUp();
  using world = test.world;
  await world.session();
  test.state.hasPath = false;
  test.ask();
  await test.clock.advance(20_000);
  assertEquals(test.posted.length, 1);
  assert(world.sent.length >= 3 && world.sent.every(({ post }) => post));
  test.asks.stop();
  const other = await setUp("weather");
  using _ = other.world;
  await other.world.session();
  other.ask();
  await settle();
  assertEquals([other.posted.length, other.world.sent.length], [0, 1]);
  other.asks.stop();
});

Deno.test("Asking waits for a session, and asks at once on a new one", async () => {
  const test = await setUp();
  using world = test.world;
  const asked = test.ask();
  await settle();
  assertEquals([test.wanted, test.posted.length], [[world.peer.id], 0]);
  const first = await world.session();
  await test.clock.advance(5_000);
  assertEquals(test.posted.length, 1);
  const { ask } = await headerOf(first, test.posted[0]!.frame);
  const second = await world.session();
  test.asking.confirmed(world.peer.id);
  await settle();
  assertEquals(test.posted.length, 2);
  assertEquals((await headerOf(second, test.posted[1]!.frame)).ask, ask);
  test.answer({ answer: ask });
  assertEquals((await asked).header.answer, ask);
});

Deno.test("Asking gives up when its time is over, when it is told to, and when its module stops", async () => {
  const test = await setUp();
  using world = test.world;
  const late = test.ask({ waitMs: 7_000 });
  await test.clock.advance(6_999);
  const told = new AbortController();
  const given = test.ask({ signal: told.signal });
  told.abort();
  assertEquals(await codeOf(given), "unreachable");
  assertEquals(await codeOf(test.ask({ signal: told.signal })), "unreachable");
  await test.clock.advance(1);
  assertEquals(await codeOf(late), "unreachable");
  const forgotten = test.ask();
  test.asks.cancel(world.directory.id);
  test.asks.cancel(world.peer.id);
  assertEquals(await codeOf(forgotten), "unreachable");
  const stopped = test.ask();
  test.asks.stop();
  assertEquals(await codeOf(stopped), "unreachable");
  assertEquals(await codeOf(test.ask()), "overloaded");
  await settle();
  await world.session();
  await test.clock.advance(5 * MINUTE_MS);
  assertEquals([test.posted.length, test.clock.waitingMs], [0, []]);
});

Deno.test("Asking rejects with the code of a refusal, and with text that is fit to be shown", async () => {
  const test = await setUp();
  using world = test.world;
  const ends = await world.session();
  const refused = async (header: Record<string, unknown>) => {
    const asked = test.ask();
    await settle();
    const { ask } = await headerOf(ends, test.posted.at(-1)!.frame);
    test.answer({ answer: ask, ...header });
    const { code, message } = await assertRejects(() => asked, OpenRedError);
    return [code, message];
  };
  assertEquals(await refused({ error: "forbidden" }), ["forbidden", "The peer refused the call"]);
  assertEquals(await refused({ error: "made_up", detail: "a\n\u202e\u001b[2Jb" }), [
    "internal",
    "a   [2Jb",
  ]);
  const [, long] = await refused({ error: "not_found", detail: "x".repeat(4_000) });
  assertEquals(long!.length, 200);
  assertEquals((await refused({ error: "toString" }))[0], "internal");
  assertEquals((await refused({ error: 7 }))[0], "bad_request");
  assertEquals((await refused({ must: ["unknown"] }))[0], "unsupported");
  assertEquals((await refused({ must: ["known"], error: "forbidden" }))[0], "forbidden");
});

Deno.test("Asking makes 16 calls to a peer at a time, and a module from a file 64", async () => {
  const test = await setUp("weather", "file");
  using world = test.world;
  const asked = Array.from({ length: 16 }, () => test.ask());
  assertEquals(await codeOf(test.ask()), "overloaded");
  test.asks.cancel();
  await Promise.allSettled(asked);
  for (let peer = 0; peer < 64; peer++) {
    void test.ask({ peer: `${world.peer.id}${peer}` as typeof world.peer.id });
  }
  assertEquals(await codeOf(test.ask()), "overloaded");
  test.asks.stop();
  await test.clock.advance(1);
});

Deno.test("ModuleAsks asks only what the manifest declares, in time and size", async () => {
  const test = await setUp();
  using _ = test.world;
  const wrong: [Partial<Ask>, string][] = [
    [{ type: "note" }, "bad_request"],
    [{ type: "other" }, "bad_request"],
    [{ waitMs: 2 * MINUTE_MS + 1 }, "bad_request"],
    [{ waitMs: 0 }, "bad_request"],
    [{ waitMs: NaN }, "bad_request"],
    [{ header: { ask: "mine" } }, "bad_request"],
    [{ header: { detail: "mine" } }, "bad_request"],
    [{ header: { text: "x".repeat(4_096) } }, "too_large"],
    [{ body: new Uint8Array(2 ** 20) }, "too_large"],
  ];
  for (const [more, code] of wrong) assertEquals(await codeOf(test.ask(more)), code);
  await settle();
  assertEquals(test.wanted, []);
});
