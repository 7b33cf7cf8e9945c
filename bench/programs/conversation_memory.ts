/**
 * One node with many conversations: prints the bytes of memory that one of them takes once it was written in and read.
 *
 * @module
 */
import { encodeNodeId, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import { MessagingWorld } from "../../tests/modules/messaging/messaging_world.ts";
import { settle } from "../../tests/world/settle.ts";

const collectGarbage = (globalThis as { gc?: () => void }).gc;
if (collectGarbage === undefined) throw new Error("Start it with --v8-flags=--expose-gc");

const count = Number(Deno.args[0]);
const WARM_UP = 50;
const TEXTS = 5;

const messaging = await MessagingWorld.start();
const { sender } = messaging.world;

function peerOf(index: number): NodeId {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, index + 1);
  return encodeNodeId(bytes);
}

/** Texts come and go, what goes is acknowledged, and the owner reads. */
async function converse(peer: NodeId): Promise<void> {
  messaging.hosted.host.confirmed(peer);
  for (let n = 1; n <= TEXTS; n++) {
    const id = `m${n}`;
    const header = { type: "messaging.text", id, run: "AAAAAAAAAAA", n };
    await messaging.receive({ peer, id, header, body: encodeUtf8("a text of some words") });
    await messaging.send(peer, "an answer of some words");
  }
  await messaging.hosted.ask("GET", `/m/messaging/history?peer=${peer}`);
  for (const id of sender.takeIds()) sender.acknowledge(id);
}

async function usedBytes(): Promise<number> {
  await messaging.world.parts.clock.advance(1_000);
  await settle();
  messaging.world.told.length = 0;
  sender.wanted.length = 0;
  collectGarbage!();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

for (let index = 0; index < WARM_UP; index++) await converse(peerOf(index));
const before = await usedBytes();
for (let index = 0; index < count; index++) await converse(peerOf(WARM_UP + index));
console.log((await usedBytes() - before) / count);
Deno.exit(0);
