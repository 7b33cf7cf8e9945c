import { assertEquals } from "@std/assert";
import { decodeUtf8 } from "../../crypto/encoding.ts";
import type { NodeId } from "../../crypto/encoding.ts";
import { base64Url, randomBytes, unbase64Url, utf8 } from "./bytes.ts";
import { openMiniScene } from "./scene.ts";

const PATH = "/p2p/message/send";
const RUN = "AAAAAAAAAAA";
const MARK = "a word that stands nowhere";

async function openMessages() {
  const scene = await openMiniScene();
  const session = await scene.peer.connect(await scene.introduce());
  const id = scene.peer.id as NodeId;
  const ask = <T>(method: string, path: string, body?: unknown) =>
    scene.node.admin.ask<T>(method, `/m/messaging${path}`, body);
  return Object.assign(scene, { session, id, ask });
}

function sendPlan(text: string, more: object = {}) {
  const ask = base64Url(randomBytes(16));
  return {
    header: { type: "messaging.send", ask, message: "m1", sent_at: 1, ...more },
    body: utf8(text),
  };
}

Deno.test("POST /p2p/message/send stores a text once and says so", async () => {
  await using scene = await openMessages();
  const { session, node, id } = scene;
  const answered = async (plan: ReturnType<typeof sendPlan>) => {
    const { body } = await session.postCall(session.seal(plan), PATH);
    return session.openFrame(unbase64Url(body.data)).header;
  };
  assertEquals((await answered(sendPlan("hello"))).error, "forbidden");
  await node.inside.permissions.decide(id, { name: "message", allowed: true });
  const more = { run: RUN, n: 1 };
  assertEquals((await answered(sendPlan("hello", more))).stored, true);
  assertEquals((await answered(sendPlan("hello", more))).stored, true, "called anew");
  assertEquals((await answered(sendPlan("x", { run: RUN, n: "1" }))).error, "bad_request");
  const frame = { header: { type: "messaging.text", id: "m1", sent_at: 1, ...more } };
  await session.post(session.seal({ ...frame, body: utf8("hello") }));
  assertEquals((await session.next("core.ack")).header.ids, ["m1"], "it is there already");
  assertEquals((await node.inbox()).map(({ text }) => text), ["hello"]);
});

/** How often a text stands in the files of a folder, in any of its encodings. */
function timesIn(folder: string, text: string): number {
  let count = 0;
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    if (!isFile) continue;
    const content = new TextDecoder("latin1").decode(Deno.readFileSync(`${folder}/${name}`));
    for (const form of [text, base64Url(utf8(text)).slice(0, -3), btoa(text).slice(0, -3)]) {
      count += content.split(form).length - 1;
    }
  }
  return count;
}

Deno.test("no file of the data directory holds a text, an edit, a reaction or a draft", async () => {
  await using scene = await openMessages();
  const { session, node, id, ask } = scene;
  await node.inside.permissions.decide(id, { name: "message", allowed: true });
  const take = async (header: object, text: string) => {
    const frameId = base64Url(randomBytes(16));
    const frame = { header: { sent_at: 1, ...header, id: frameId }, body: utf8(text) };
    await session.post(session.seal(frame));
    await session.frames.take(({ header: { ids } }) => (ids as string[])?.includes(frameId));
  };
  await take({ type: "messaging.text", run: RUN, n: 1 }, `came ${MARK}`);
  const edits = { run: RUN, n: 1 };
  await take({ type: "messaging.text", run: RUN, n: 2, edits }, `edited ${MARK}`);
  await take({ type: "messaging.react", run: RUN, n: 3, to: { ...edits, mine: true } }, MARK);
  const { id: own } = await ask<{ id: string }>("POST", "/messages", {
    peer: id,
    text: `went ${MARK}`,
    wait_ms: 0,
  });
  assertEquals(decodeUtf8((await session.next("messaging.text")).body), `went ${MARK}`);
  await ask("POST", "/messages", { peer: id, text: `anew ${MARK}`, wait_ms: 0, edits: own });
  await ask("PUT", "/draft", { peer: id, text: `draft ${MARK}` });
  const { messages } = await ask<{ messages: { text: string }[] }>("GET", `/history?peer=${id}`);
  assertEquals(messages.map(({ text }) => text), [`edited ${MARK}`, `anew ${MARK}`]);
  assertEquals(timesIn(node.data, MARK), 0, "while the node runs");
  Deno.writeTextFileSync(`${node.data}/control`, MARK);
  assertEquals(timesIn(node.data, MARK), 1, "the search finds what is there");
  Deno.removeSync(`${node.data}/control`);
  await node.stop();
  assertEquals(timesIn(node.data, MARK), 0, "after its end");
});
