import { assert, assertEquals } from "@std/assert";
import { base64Url, concat, randomBytes, textOf, utf8 } from "./bytes.ts";
import type { Session } from "./session.ts";
import { postJson } from "./session.ts";
import type { FramePlan } from "./session_keys.ts";
import { openMiniScene } from "./scene.ts";
import type { RealNode } from "./real_world.ts";
import { startHandshake } from "./handshake.ts";
import { makeRecord } from "./envelope.ts";
import { Identity } from "./identity.ts";

async function openSession() {
  const scene = await openMiniScene();
  const session = await scene.peer.connect(await scene.introduce());
  return Object.assign(scene, { session });
}

/** Sends a text under an id, waits for its acknowledgement, and returns all that was ever stored. */
async function storedBefore(marker: string, parts: { session: Session; node: RealNode }) {
  const { session, node } = parts;
  const { status } = await session.post(session.seal(session.sendText(marker, marker)));
  assertEquals(status, 200);
  await session.acknowledged(marker);
  return (await node.inbox()).map(({ text }) => text).filter((text) => text !== marker);
}

Deno.test("the node takes a repeat with 200, delivers it once and acknowledges it again", async () => {
  await using scene = await openSession();
  const { session } = scene;
  const frame = session.seal(session.sendText("once", "once only"));
  for (let n = 0; n < 2; n++) {
    const { status, body } = await session.post(frame);
    assertEquals([status, body], [200, { received: true }]);
    await session.acknowledged("once");
  }
  const again = session.seal(session.sendText("once", "once only"));
  await session.post(again);
  await session.acknowledged("once");
  assertEquals(await storedBefore("end", scene), ["once only"]);
});

Deno.test("the node refuses forged frames, unknown sessions and a session_id beside the frame's", async () => {
  await using scene = await openSession();
  const { session, node } = scene;
  const frame = session.seal(session.sendText("f", "forged"));
  const answerTo = async (bytes: Uint8Array<ArrayBuffer>, id?: string) => {
    const { status, body } = await session.post(bytes, id);
    return [status, body.code];
  };
  for (const at of [17, 25, 28, 29, frame.length - 1]) {
    const forged = frame.slice();
    forged[at]! ^= 1;
    assertEquals(await answerTo(forged), [403, "frame_rejected"], `byte ${at}`);
  }
  const elsewhere = randomBytes(16);
  const lost = concat(frame.slice(0, 1), elsewhere, frame.slice(17));
  assertEquals(await answerTo(lost, base64Url(elsewhere)), [404, "session_unknown"]);
  assertEquals(await answerTo(lost), [400, "bad_request"]);
  assertEquals(await answerTo(frame, base64Url(elsewhere)), [404, "session_unknown"]);
  const url = `${node.url}/p2p/message`;
  for (const body of ["", "{", "[]", "{}", { session_id: 1, data: 2 }]) {
    const { status, body: problem } = await postJson(url, body);
    assertEquals([status, problem.code], [400, "bad_request"], JSON.stringify(body));
  }
  const large = await postJson(url, { session_id: "x", data: "A".repeat(1_600_000) });
  assertEquals([large.status, large.body.code], [413, "too_large"]);
  assertEquals(await storedBefore("end", scene), []);
  assertEquals((await session.post(frame)).status, 200);
  await session.acknowledged("f");
});

Deno.test("the node reads a whole mebibyte, and nothing above it", async () => {
  await using scene = await openSession();
  const { session } = scene;
  const header = { type: "core.tick" };
  const overhead = session.seal({ header }).length;
  const whole = session.seal({ header, paddingBytes: 2 ** 20 - overhead });
  assertEquals(whole.length, 2 ** 20);
  assertEquals((await session.post(whole)).status, 200);
  const over = await session.post(session.seal({ header, paddingBytes: 2 ** 20 - overhead + 1 }));
  assert(over.status >= 400 && over.status < 500, `status ${over.status}`);
  assertEquals(await storedBefore("end", scene), []);
});

Deno.test("the node follows steps up to 64 further, and reads the step before for a while", async () => {
  await using scene = await openSession();
  const { session } = scene;
  const late = session.seal(session.sendText("late", "step 0"));
  session.stepTo(1);
  await session.send({ header: { type: "core.tick" } });
  await session.send(session.sendText("s1", "step 1"));
  await session.acknowledged("s1");
  await session.post(late);
  await session.acknowledged("late");
  const tooFar = await session.post(session.seal({ ...session.sendText("s66", "no"), step: 66 }));
  assertEquals([tooFar.status, tooFar.body.code], [403, "frame_rejected"]);
  session.stepTo(65);
  await session.send(session.sendText("s65", "step 65"));
  await session.acknowledged("s65");
  const skipped = session.seal({ ...session.sendText("s30", "step 30"), step: 30 });
  assertEquals((await session.post(skipped)).status, 200);
  await session.acknowledged("s30");
  const stored = await storedBefore("end", scene);
  assertEquals(stored, ["step 1", "step 0", "step 65", "step 30"]);
});

Deno.test("the node steps its own direction an hour later and sends core.tick", async () => {
  await using scene = await openSession();
  const { session, node } = scene;
  await node.send(scene.peer.id, "before", 5_000);
  assertEquals((await session.next("messaging.text")).step, 0);
  node.clock.spanMs += 3_601_000;
  await node.send(scene.peer.id, "after", 5_000);
  const { step, counter, body } = await session.next("messaging.text");
  assertEquals([step, textOf(body)], [1, "after"]);
  assert(counter > 1);
});

const DROPPED: Record<string, FramePlan> = {
  "unknown name in must": {
    header: { type: "messaging.text", id: "d1", sent_at: 1, must: ["time_travel"] },
    body: utf8("dropped"),
  },
  "unknown type": { header: { type: "telepathy.thought", id: "d2" }, body: utf8("dropped") },
  "unknown core type": { header: { type: "core.telepathy", id: "d3" } },
  "padding that is not zero": {
    header: { type: "messaging.text", id: "d4", sent_at: 1 },
    body: utf8("dropped"),
    paddingBytes: 4,
    paddingByte: 1,
  },
  "no type": { header: { id: "d5" } },
  "a type that is no text": { header: { type: 7, id: "d6" } },
  "a list for a header": { header: [] as unknown as Record<string, unknown> },
  "lengths beyond the frame": { header: {}, rawInner: Uint8Array.of(0, 9, 0, 0, 0, 9, 123, 125) },
  "less than the lengths": { header: {}, rawInner: Uint8Array.of(0, 0) },
  "bad UTF-8": { header: {}, rawInner: Uint8Array.of(0, 3, 0, 0, 0, 0, 123, 255, 125) },
  "a body that is not UTF-8": {
    header: { type: "messaging.text", id: "d7", sent_at: 1 },
    body: Uint8Array.of(0xff),
  },
};

Deno.test("the node answers what opened but cannot be read with 200, and drops it", async () => {
  await using scene = await openSession();
  const { session } = scene;
  for (const [name, plan] of Object.entries(DROPPED)) {
    const { status, body } = await session.post(session.seal(plan));
    assertEquals([status, body], [200, { received: true }], name);
  }
  assertEquals(await storedBefore("end", scene), []);
  const acks = session.frames.items.filter(({ header }) => header.type === "core.ack");
  assertEquals(acks.flatMap(({ header }) => header.ids), []);
});

Deno.test("the node ignores members it does not know, and zero padding", async () => {
  await using scene = await openSession();
  const { session } = scene;
  const plan = session.sendText("grown", "padded");
  await session.send({
    ...plan,
    header: { ...plan.header, later: { deep: [1] } },
    paddingBytes: 999,
  });
  await session.acknowledged("grown");
  assertEquals(await storedBefore("end", scene), ["padded"]);
});

Deno.test("the node takes counters in any order within 1,024, and leaves unanswered what is below", async () => {
  await using scene = await openSession();
  const { session } = scene;
  const oldest = session.seal(session.sendText("w0", "below"));
  const inside = session.seal({ ...session.sendText("w1", "inside"), counter: 1_500 - 1_023 });
  const newest = session.seal({ ...session.sendText("w2", "newest"), counter: 1_500 });
  await session.post(newest);
  await session.acknowledged("w2");
  await session.post(inside);
  await session.acknowledged("w1");
  await session.post(oldest);
  const end = session.seal({ ...session.sendText("w3", "end"), counter: 1_501 });
  await session.post(end);
  await session.acknowledged("w3");
  assertEquals((await scene.node.inbox()).map(({ text }) => text), ["newest", "inside", "end"]);
});

Deno.test("the node takes a newer record in core.record, and drops another id's", async () => {
  await using scene = await openSession();
  const { session, node, peer } = scene;
  const aliasOf = async () =>
    (await node.status()).peers.find(({ node_id }) => node_id === peer.id)?.alias ?? null;
  const other = makeRecord(new Identity(), {
    seq: Date.now() + 1_000,
    api_url: peer.url,
    noise_key: base64Url(randomBytes(32)),
    alias: "somebody else",
  });
  await session.send({ header: { type: "core.record", record: other } });
  const old = peer.record;
  const record = peer.sign({ alias: "new name" });
  await session.send({ header: { type: "core.record", record } });
  await session.send({ header: { type: "core.record", record: old } });
  await storedBefore("end", scene);
  assertEquals(await aliasOf(), "new name");
  assertEquals((await node.status()).peers.length, 1);
});

Deno.test("the node ends a session on core.close and keeps its pairs", async () => {
  await using scene = await openSession();
  const { session, peer, node } = scene;
  await session.send({ header: { type: "core.close" } });
  await node.until(
    ({ sessions }) => !sessions.some(({ state }) => state === "confirmed"),
    "the session to end",
  );
  const after = await peer.connect(session.keys.standby[0]!);
  await after.send(after.sendText("after", "on pair 0"));
  await after.acknowledged("after");
});

Deno.test("core.sync names settled pairs, and drops of them what only the node holds", async () => {
  await using scene = await openSession();
  const { session, node, peer } = scene;
  const ids = session.keys.standby.map(({ half }) => base64Url(half.pairId));
  await session.send({ header: { type: "core.sync", pairs: [] } });
  assertEquals((await session.next("core.sync")).header.pairs, []);
  // The text says two minutes; the node names pairs from then on, and drops only twice as old ones.
  node.clock.spanMs += 245_000;
  node.clock.wallMs += 245_000;
  await session.send({ header: { type: "core.sync", pairs: ids.slice(1) } });
  const answer = await session.next("core.sync");
  assertEquals((answer.header.pairs as string[]).toSorted(), ids.toSorted());
  await storedBefore("end", scene);
  const dropped = session.keys.standby[0]!;
  const refused = await peer.postHandshake(dropped, startHandshake(dropped, peer.self).body);
  assertEquals(refused.status, 403);
  await peer.connect(session.keys.standby[1]!);
});

Deno.test("the node reads several messages of one frame, and answers each by itself", async () => {
  await using scene = await openSession();
  const { session, node } = scene;
  const texts = ["a", "b", "c"].map((id) => session.sendText(id, `text ${id}`));
  const [first, ...others] = texts;
  const unknown = { header: { type: "nobody.thing", id: "n" } };
  const frame = session.seal({ ...first!, more: [...others, unknown], paddingBytes: 9 });
  const seen = new Map<string, string>();
  for (let n = 0; n < 2; n++) {
    assertEquals((await session.post(frame)).status, 200);
    while (seen.size < (n === 0 ? 4 : 7)) {
      const { header } = await session.frames.take(({ header }) => Array.isArray(header.ids));
      for (const id of header.ids as string[]) seen.set(`${id}${n}`, String(header.type));
    }
  }
  const acks = ["a0", "b0", "c0", "a1", "b1", "c1"].map((id) => [id, "core.ack"]);
  assertEquals([...seen].sort(), [...acks, ["n0", "core.refused"]].sort());
  assertEquals((await node.inbox()).map(({ text }) => text), ["text a", "text b", "text c"]);
});

Deno.test("the node drops what must stand alone and stands in company, and no other message with it", async () => {
  await using scene = await openSession();
  const { session } = scene;
  const ask = base64Url(randomBytes(16));
  const frame = session.seal({
    header: { type: "core.close" },
    more: [
      { header: { type: "authentication.challenge", ask } },
      session.sendText("kept", "kept"),
    ],
  });
  assertEquals((await session.post(frame)).status, 200);
  await session.acknowledged("kept");
  assertEquals(await storedBefore("end", scene), ["kept"], "the session is not closed");
  assert(session.frames.items.every(({ header }) => header.answer !== ask));
});

Deno.test("the node puts several messages into a frame only for a peer whose hello takes them", async () => {
  await using scene = await openSession();
  const { session, node, peer } = scene;
  const countOf = async (prefix: string) => {
    const texts = Array.from({ length: 5 }, (_, index) => `${prefix}${index}`);
    await Promise.all(texts.map((text) => node.send(peer.identity.id, text)));
    const came = [];
    for (const _ of texts) came.push(await session.next("messaging.text"));
    assertEquals(came.map(({ body }) => textOf(body)).sort(), texts);
    return came.map(({ more }) => 1 + more.length);
  };
  assertEquals(await countOf("alone"), [1, 1, 1, 1, 1]);
  await session.send({ header: { type: "core.hello", messages: 2 } });
  await storedBefore("between", scene);
  assert((await countOf("shared")).every((count) => count <= 2));
});
