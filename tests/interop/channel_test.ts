import { assertEquals, assertMatch } from "@std/assert";
import { textOf, utf8 } from "./bytes.ts";
import { WAIT_MS } from "./inbox.ts";
import { Peer } from "./peer.ts";
import { openMiniScene } from "./scene.ts";

const TICK = { header: { type: "core.tick" } };

async function closeCode(socket: WebSocket): Promise<number> {
  return await new Promise((resolve, reject) => {
    // A limit in real time, which ends the test where the node forgets to close.
    const timer = setTimeout(() => reject(new Error("The channel stayed open")), WAIT_MS);
    socket.addEventListener("close", ({ code }) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

async function openSession() {
  const scene = await openMiniScene();
  const session = await scene.peer.connect(await scene.introduce());
  return Object.assign(scene, { session });
}

Deno.test("both sides send on a channel the peer opened, for every session of the two", async () => {
  await using scene = await openSession();
  const { node, peer, session } = scene;
  const channel = await peer.openChannel(node.url, session.seal(TICK));
  session.useChannel(channel);
  await session.send(session.sendText("c1", "by channel"));
  assertEquals((await session.acknowledged("c1")).via, "channel");
  await node.send(peer.id, "back by channel", 5_000);
  const text = await session.next("messaging.text");
  assertEquals([text.via, textOf(text.body)], ["channel", "back by channel"]);
  const second = await peer.connect(session.keys.standby[0]!);
  second.useChannel(channel);
  await second.send(second.sendText("c2", "second session"));
  assertEquals((await second.acknowledged("c2")).via, "channel");
  const forged = second.seal(TICK);
  forged[40]! ^= 1;
  channel.send(forged);
  await second.send(second.sendText("c3", "after a forged one"));
  await second.acknowledged("c3");
  assertEquals((await node.inbox()).length, 3);
});

Deno.test("the node opens a channel with a fresh frame and sends on it", async () => {
  await using scene = await openMiniScene();
  const { node, peer } = scene;
  peer.acceptsChannels = true;
  const session = await peer.connect(await scene.introduce());
  await node.send(peer.id, "first", 5_000);
  const socket = await peer.upgrades.take();
  assertEquals(socket.protocol, "");
  assertEquals(socket.extensions, "");
  await session.frames.take(({ via }) => via === "channel");
  await node.send(peer.id, "second", 5_000);
  const second = await session.frames.take(({ body }) => textOf(body) === "second");
  assertEquals(second.via, "channel");
});

Deno.test("the node closes a channel that begins badly with the code of its fault", async () => {
  await using scene = await openSession();
  const { node, peer, session } = scene;
  const used = session.seal(TICK);
  await session.post(used);
  const forged = session.seal(TICK);
  forged[40]! ^= 1;
  const unknown = session.seal(TICK);
  unknown[5]! ^= 1;
  const codeOf = async (first: Uint8Array<ArrayBuffer> | string) => {
    const socket = await peer.openChannel(node.url, null);
    const code = closeCode(socket);
    socket.send(first);
    return await code;
  };
  assertEquals(await codeOf("text"), 1008);
  assertEquals(await codeOf(used), 1008);
  assertEquals(await codeOf(forged), 1008);
  assertEquals(await codeOf(utf8("short")), 1008);
  assertEquals(await codeOf(unknown), 4404);
});

Deno.test("the node closes a proven channel on text, on a frame of another peer, and on an unknown session", async () => {
  await using scene = await openSession();
  const { mini, node, peer, session } = scene;
  await using other = new Peer("another peer");
  const pair = mini.pair(other.id, node.id);
  const to = scene.nodeRecord();
  await mini.push(node.url, mini.envelope(pair, "b", { to, peer: other.record }));
  other.directory = mini.record;
  const theirs = await other.connect(
    other.open(mini.envelope(pair, "a", { to: other.record, peer: to })),
  );
  const codeAfter = async (message: Uint8Array<ArrayBuffer> | string) => {
    const socket = await peer.openChannel(node.url, session.seal(TICK));
    const code = closeCode(socket);
    socket.send(message);
    return await code;
  };
  assertEquals(await codeAfter("text"), 1008);
  assertEquals(await codeAfter(theirs.seal(TICK)), 1008);
  const unknown = session.seal(TICK);
  unknown[5]! ^= 1;
  assertEquals(await codeAfter(unknown), 4404);
  const whole = session.seal({ ...TICK, paddingBytes: 2 ** 20 - session.seal(TICK).length });
  const socket = await peer.openChannel(node.url, session.seal(TICK));
  session.useChannel(socket);
  socket.send(whole);
  await session.send(session.sendText("end", "after a mebibyte"));
  assertEquals((await session.acknowledged("end")).via, "channel");
});

Deno.test("the node refuses an upgrade that has an Origin, without upgrading", async () => {
  await using scene = await openSession();
  const { hostname, port } = new URL(scene.node.url);
  const statusOf = async (extra: string) => {
    using socket = await Deno.connect({ hostname, port: Number(port) });
    await socket.write(utf8(
      `GET /p2p/channel HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\n` +
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        `Sec-WebSocket-Extensions: permessage-deflate\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extra}\r\n`,
    ));
    const buffer = new Uint8Array(4_096);
    const length = await socket.read(buffer);
    return textOf(buffer.slice(0, length ?? 0));
  };
  assertMatch(await statusOf("Origin: https://example.org\r\n"), /^HTTP\/1\.1 403 /);
  const upgraded = await statusOf("");
  assertMatch(upgraded, /^HTTP\/1\.1 101 /);
  assertEquals(/sec-websocket-extensions/i.test(upgraded), false);
});
