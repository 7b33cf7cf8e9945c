/** Sealed calls that no honest node makes: nothing comes of them but a clear refusal. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";
import { ERROR_STATUS } from "../../protocol/errors.ts";
import { AskedModule } from "../world/asked_module.ts";
import { settle } from "../world/settle.ts";
import { askOf } from "../peer/modules/call_world.ts";
import { type PeerSession, TestNode } from "../peer/test_node.ts";
import { randomBytes, utf8 } from "../interop/bytes.ts";
import { openMiniScene } from "../interop/scene.ts";
import type { FramePlan } from "../interop/session_keys.ts";

const RUNS = 20_000;
const BATCH = 100;
const PATHS = ["/p2p/auth/challenge", "/p2p/message"];
const TYPE = "authentication.challenge";
/** What stands in what is sent, and must stand in no refusal. */
const CANARY = "Zt5canaryLm8";

const anyJson = fc.oneof(
  fc.json(),
  fc.integer({ min: 1, max: 1_900 }).map((depth) => "[".repeat(depth) + "]".repeat(depth)),
  fc.integer({ min: 1, max: 600 }).map((depth) => '{"a":'.repeat(depth) + "0" + "}".repeat(depth)),
  fc.constantFrom("1e999", '"\\ud800"', "-0", `"${CANARY}"`, '{"__proto__":{"a":1}}'),
);
const typeText = fc.oneof(
  { weight: 6, arbitrary: fc.constant(TYPE) },
  fc.constantFrom("authentication.note", "core.hello", "core.tick", "messaging.text", "x.y"),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const askText = fc.oneof(
  { weight: 6, arbitrary: fc.nat(200).map(askOf) },
  fc.constantFrom("", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAA==", `${CANARY}AAAAAAAAAA`),
  fc.string({ unit: "binary", maxLength: 30 }),
);
const member = fc.tuple(
  fc.constantFrom("ask", "id", "answer", "error", "must", "known", "type", "__proto__", "x"),
  anyJson,
);

/** A header's text: an object with a text `type`, or the core seals no frame. */
const headerText = fc.tuple(typeText, askText, fc.array(member, { maxLength: 3 })).map(
  ([type, ask, members]) => {
    const more = members.map(([name, json]) => `,${JSON.stringify(name)}:${json}`).join("");
    const text = `{"ask":${JSON.stringify(ask)}${more},"type":${JSON.stringify(type)}}`;
    return utf8(text).length <= 4_096 ? text : `{"ask":"${askOf(0)}","type":"${TYPE}"}`;
  },
);
const bodyBytes = fc.oneof(
  { weight: 300, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  fc.constantFrom(2 ** 16, 2 ** 19).map((length) => new Uint8Array(length)),
);

interface Try {
  readonly header: string;
  readonly body: Uint8Array;
  readonly path: string;
}

const tries: fc.Arbitrary<Try> = fc.record({
  header: headerText,
  body: bodyBytes,
  path: fc.constantFrom(...PATHS),
});

async function tryOne(session: PeerSession, { header, body, path }: Try) {
  const answer = await session.post(await session.sealText(header, body.slice()), path);
  const told = JSON.stringify(answer.body);
  assert(!told.includes(CANARY), told);
  if (answer.status === 200) {
    assertEquals(answer.body.received, true);
    if (answer.body.data !== undefined) await checkAnswer(session, answer.body.data);
    return;
  }
  assert([400, 429].includes(answer.status), `${answer.status} ${told}`);
}

/** The whole batch would be megabytes: the seed and the cause say enough. */
function tellShort<T>({ failed, seed, errorInstance }: fc.RunDetails<T>): void {
  if (failed) throw new Error(`Seed ${seed}`, { cause: errorInstance });
}

async function checkAnswer(session: PeerSession, data: string): Promise<void> {
  const { header } = await session.open(decodeBase64Url(data)!);
  assertEquals(typeof header.answer, "string");
  assertEquals(header.type, TYPE);
  if (header.error === undefined) return;
  assert(Object.hasOwn(ERROR_STATUS, String(header.error)) && header.error !== "internal");
  assert(!String(header.detail).includes(CANARY));
}

Deno.test(`${RUNS} random sealed calls yield answers and clear refusals, and nothing else`, async () => {
  const module = new AskedModule("authentication", "challenge");
  module.handler = () => Promise.resolve({ header: { fine: true } });
  await using test = await TestNode.start({}, [module]);
  let session = await test.connect();
  const input = { peer: test.peer.id, permission: "authentication" };
  assertEquals((await test.admin("POST", "/peers/allow", input)).status, 200);
  let seen = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(tries, { minLength: BATCH, maxLength: BATCH }), async (batch) => {
      for (const one of batch) await tryOne(session, one);
      await settle();
      test.posted.length = 0;
      seen += module.calls.splice(0).length;
      // Calls are forgotten in time, so that there is always room for others.
      await test.clock.advance(1_000);
    }),
    { numRuns: RUNS / BATCH, endOnFailure: true, reporter: tellShort },
  );
  assert(seen > RUNS / 100, `only ${seen} calls came through`);
  const failed = test.log.entries.filter(({ level }) => level === "error");
  assertEquals(failed, []);
  session = await test.connect();
  const frame = await session.seal({ type: TYPE, ask: askOf(9_999) });
  const { body } = await session.post(frame, PATHS[0]);
  assertEquals((await session.open(decodeBase64Url(body.data)!)).header.answer, askOf(9_999));
});

const inside = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => {
    const lengths = Uint8Array.of(0, bytes.length, 0, 0, 0, 0);
    return Uint8Array.from([...lengths, ...bytes]);
  }),
  fc.constantFrom(0xff, 0xc0, 0xed, 0x80).map((byte) => {
    const header = Uint8Array.from([
      ...utf8(`{"type":"${TYPE}","ask":"`),
      byte,
      ...utf8('"}'),
    ]);
    return Uint8Array.from([0, header.length, 0, 0, 0, 0, ...header]);
  }),
);

Deno.test("frames with anything inside are dropped at the path of a sealed call, whatever made them", async () => {
  await using scene = await openMiniScene();
  const module = new AskedModule("authentication", "challenge");
  const { node, mini, peer } = scene;
  await node.stop();
  node.modules = [module];
  await node.start({ directories: [mini.url] });
  await node.registered(mini.url);
  const session = await peer.connect(await scene.introduce());
  await fc.assert(
    fc.asyncProperty(inside, async (rawInner) => {
      const plan: FramePlan = { header: {}, rawInner };
      const { status, body } = await session.postCall(session.seal(plan), PATHS[0]!);
      if (status === 200) assertEquals(body, { received: true });
      else assertEquals([status, body.code], [400, "bad_request"]);
    }),
    { numRuns: 500 },
  );
  assertEquals(module.calls, []);
  const ask = encodeBase64Url(randomBytes(16));
  const { body } = await session.postCall(session.seal({ header: { type: TYPE, ask } }), PATHS[0]!);
  assertEquals(typeof body.data, "string");
});
