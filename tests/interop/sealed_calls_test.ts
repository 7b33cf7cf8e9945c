import { assertEquals, assertRejects } from "@std/assert";
import type { NodeId } from "../../crypto/encoding.ts";
import { AskedModule } from "../world/asked_module.ts";
import { base64Url, randomBytes, textOf, unbase64Url, utf8 } from "./bytes.ts";
import { openMiniScene } from "./scene.ts";
import type { Session } from "./session.ts";

const PATH = "/p2p/auth/challenge";
const TYPE = "authentication.challenge";

/** A node with a module that answers and asks, a peer that may call it, and a session of both. */
async function openCalls() {
  const scene = await openMiniScene();
  const { node, peer } = scene;
  const module = new AskedModule("authentication", "challenge");
  await node.stop();
  node.modules = [module];
  await node.start({ directories: [scene.mini.url] });
  await node.registered(scene.mini.url);
  const session = await peer.connect(await scene.introduce());
  const id = peer.id as NodeId;
  await node.inside.permissions.decide(id, { name: "authentication", allowed: true });
  const ask = () => module.context.ask({ peer: id, type: "challenge", body: utf8("prove it") });
  return Object.assign(scene, { module, session, id, ask });
}

function callPlan(ask: string, text = "prove it") {
  return { header: { type: TYPE, ask }, body: utf8(text) };
}

function newAsk(): string {
  return base64Url(randomBytes(16));
}

function answerTo(session: Session, ask: string) {
  return session.frames.take(({ header }) => header.answer === ask);
}

Deno.test("the peer calls the node by POST, and opens the answer in the response", async () => {
  await using scene = await openCalls();
  const { session } = scene;
  const ask = newAsk();
  const frame = session.seal(callPlan(ask));
  const { status, body } = await session.postCall(frame, PATH);
  assertEquals([status, Object.keys(body).sort()], [200, ["data", "received"]]);
  const { header, body: answer } = session.openFrame(unbase64Url(body.data));
  assertEquals(header, { type: TYPE, answer: ask, count: 1 });
  assertEquals(textOf(answer), "prove it");
  assertEquals((await session.postCall(frame, PATH)).body, body, "the same bytes");
  const anew = await session.postCall(session.seal(callPlan(ask)), PATH);
  assertEquals(anew.body.data === body.data, false);
  assertEquals(session.openFrame(unbase64Url(anew.body.data)).header, header);
  const other = await session.postCall(session.seal(callPlan(ask, "other")), PATH);
  assertEquals(session.openFrame(unbase64Url(other.body.data)).header.error, "bad_request");
  assertEquals(scene.module.calls.length, 1);
});

Deno.test("the peer calls the node by /p2p/message and over a channel, and the answer is a frame", async () => {
  await using scene = await openCalls();
  const { session, peer, node } = scene;
  const byPost = newAsk();
  await session.post(session.seal(callPlan(byPost)));
  assertEquals((await answerTo(session, byPost)).header.count, 1);
  const tick = session.seal({ header: { type: "core.tick" } });
  session.useChannel(await peer.openChannel(node.url, tick));
  const byChannel = newAsk();
  await session.send(callPlan(byChannel));
  const { header, via } = await answerTo(session, byChannel);
  assertEquals([header.count, via], [2, "channel"]);
});

Deno.test("the node refuses a call that no module answers and one that is not permitted", async () => {
  await using scene = await openCalls();
  const { session, node, id } = scene;
  const refusalOf = async (type: string) => {
    const ask = newAsk();
    await session.post(session.seal({ header: { type, ask } }));
    const { header } = await answerTo(session, ask);
    return [header.type, header.error];
  };
  assertEquals(await refusalOf("weather.ask"), ["weather.ask", "unsupported"]);
  await node.inside.permissions.decide(id, { name: "authentication", allowed: false });
  assertEquals(await refusalOf(TYPE), [TYPE, "forbidden"]);
  await node.ask("POST", "/modules/disable", { module: "file_sharing" });
  const { status, body } = await session.postCall(
    session.seal(callPlan(newAsk())),
    "/p2p/file-request",
  );
  assertEquals([status, body.code], [404, "not_found"]);
});

Deno.test("a caller that dies half-way asks again in its next session, and the call has run once", async () => {
  await using scene = await openCalls();
  const { session, module, peer } = scene;
  const { promise, resolve } = Promise.withResolvers<void>();
  module.handler = () => promise.then(() => ({ header: { count: module.calls.length } }));
  const ask = newAsk();
  await session.post(session.seal(callPlan(ask)));
  const next = await peer.connect(session.keys.standby[0]!);
  resolve();
  await next.post(next.seal(callPlan(ask)));
  assertEquals((await answerTo(next, ask)).header.count, 1);
  assertEquals(module.calls.length, 1);
});

Deno.test("a node that starts anew has forgotten what it was asked: the call runs a second time", async () => {
  await using scene = await openCalls();
  const { session, module, node, mini, peer } = scene;
  const ask = newAsk();
  await session.postCall(session.seal(callPlan(ask)), PATH);
  await node.stop();
  await node.start({ directories: [mini.url] });
  const next = await peer.newSessions.take((other) => other !== session);
  await node.until(
    ({ sessions }) => sessions.some(({ state }) => state === "confirmed"),
    "a session",
  );
  const { body } = await next.postCall(next.seal(callPlan(ask)), PATH);
  assertEquals(next.openFrame(unbase64Url(body.data)).header.count, 2);
  assertEquals(module.calls.length, 2);
});

Deno.test("the node calls the peer by POST, and takes the answer out of the response", async () => {
  await using scene = await openCalls();
  const { peer } = scene;
  const seen: unknown[] = [];
  peer.callPaths = [PATH];
  peer.answering = ({ header, body }) => {
    seen.push([header.type, header.id, textOf(body)]);
    return { header: { type: TYPE, answer: header.ask, proof: "x" }, body: utf8("here it is") };
  };
  const { header, body } = await scene.ask();
  assertEquals([header.proof, textOf(body)], ["x", "here it is"]);
  assertEquals(seen, [[TYPE, undefined, "prove it"]]);
});

Deno.test("the node goes to /p2p/message where the peer has no such path, and takes the first answer", async () => {
  await using scene = await openCalls();
  const { session } = scene;
  const answered = scene.ask();
  const call = await session.next(TYPE);
  const { ask } = call.header;
  assertEquals([call.via, unbase64Url(ask).length, call.header.id], ["post", 16, undefined]);
  await session.send({ header: { type: "authentication.other", answer: ask, n: 0 } });
  await session.send({ header: { type: TYPE, answer: newAsk(), n: 1 } });
  await session.send({ header: { type: TYPE, answer: ask, n: 2 } });
  await session.send({ header: { type: TYPE, answer: ask, n: 3 } });
  assertEquals((await answered).header.n, 2);
});

Deno.test("the node calls the peer over a channel, and hears why it is refused", async () => {
  await using scene = await openCalls();
  const { session, peer, node } = scene;
  const tick = session.seal({ header: { type: "core.tick" } });
  session.useChannel(await peer.openChannel(node.url, tick));
  await node.until(
    ({ sessions }) => sessions.some(({ carrier }) => carrier === "channel"),
    "the channel to count",
  );
  const answered = assertRejects(scene.ask);
  const call = await session.next(TYPE);
  assertEquals(call.via, "channel");
  const header = { type: TYPE, answer: call.header.ask, error: "forbidden", detail: "Not you" };
  await session.send({ header });
  const { code, message } = await answered as Error & { code: string };
  assertEquals([code, message], ["forbidden", "Not you"]);
});

Deno.test("the node and the peer refuse a frame with an id once and for all", async () => {
  await using scene = await openCalls();
  const { session, module, id } = scene;
  await session.send({ header: { type: "weather.report", id: "w1" } });
  const refused = await session.next("core.refused");
  assertEquals(refused.header, { type: "core.refused", ids: ["w1"] });
  session.isSilent = true;
  const sending = module.context.send({ peer: id, type: "note", id: "n1" });
  await session.next("authentication.note");
  await session.send({ header: { type: "core.refused", ids: ["n1"] } });
  assertEquals([await sending.acknowledged, sending.refused], [null, true]);
});
