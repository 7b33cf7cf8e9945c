import { assert, assertEquals } from "@std/assert";
import { randomBytes } from "node:crypto";
import {
  decodeUtf8,
  encodeBase64Url,
  encodeNodeId,
  encodeUtf8,
  type NodeId,
} from "../../crypto/encoding.ts";
import { decodeRelayFrame, encodeRelayWord } from "../../protocol/relay_frames.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { DEFAULT_RELAY_LIMITS } from "../../relay/config.ts";
import { createRelay, type Relay } from "../../relay/relay.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { settle } from "../world/settle.ts";
import { VirtualClock } from "../world/virtual_clock.ts";
import { OtherEnd, RELAY, RELAY_URL } from "./relay_world.ts";

const NODES = 10_000;

// deno-lint-ignore no-explicit-any
function wordOf(socket: OtherEnd): any {
  const frame = decodeRelayFrame(socket.sent.at(-1)!.data)!;
  return "body" in frame ? JSON.parse(decodeUtf8(frame.body)) : null;
}

/** A relay that takes every proof's word for it: signatures are tried elsewhere. */
async function relayForMany(clock: VirtualClock) {
  const sockets: OtherEnd[] = [];
  const relay = await createRelay({
    clock,
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    crypto: { verifyJws: () => Promise.resolve({ iss: "", payload: "" }) },
    upgrader: {
      upgrade: () => {
        const channel = new OtherEnd();
        sockets.push(channel);
        return { response: new Response(null, { status: 101 }), channel };
      },
    },
    log: new MemoryLog(),
    own: { id: RELAY.id, text: "e30.e30.e30" },
    linkPage: null,
  }, {
    url: RELAY_URL,
    allowed: null,
    trustedProxies: TrustedProxies.NONE,
    limits: { ...DEFAULT_RELAY_LIMITS, nodes: 0, nodesPerAddress: 0 },
  });
  return { relay, sockets };
}

function link(relay: Relay, sockets: OtherEnd[], id: NodeId): OtherEnd {
  const request = new Request(`${RELAY_URL}/relay/v1`, { headers: { upgrade: "websocket" } });
  relay.handle(request, { address: "192.0.2.1" });
  const socket = sockets.at(-1)!;
  const payload = {
    v: 3,
    iss: id,
    aud: RELAY.id,
    nonce: wordOf(socket).nonce,
    url: RELAY_URL,
    instance: encodeBase64Url(new Uint8Array(16)),
    iat: 1,
  };
  const text = `e30.${encodeBase64Url(encodeUtf8(JSON.stringify(payload)))}.e30`;
  socket.say(encodeRelayWord("proof", encodeUtf8(text)));
  return socket;
}

Deno.test("10,000 nodes of a relay that restarts are told to come back spread over minutes, and do", async () => {
  const clock = new VirtualClock(0);
  const ids = Array.from({ length: NODES }, () => encodeNodeId(new Uint8Array(randomBytes(32))));
  const before = await relayForMany(clock);
  const sockets = ids.map((id) => link(before.relay, before.sockets, id));
  await settle();
  assertEquals(before.relay.size, NODES);
  before.relay.stop();
  assertEquals(before.relay.size, 0);
  const delays = sockets.map((socket) => {
    const { code, retry_after_ms } = wordOf(socket);
    assertEquals([code, socket.closed], ["restarting", 1001]);
    return retry_after_ms as number;
  });
  const perSecond = new Map<number, number>();
  for (const delayMs of delays) {
    const second = Math.floor(delayMs / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  assert(Math.max(...perSecond.values()) < 120, "no second brings all of them");
  assert(Math.max(...delays) <= 205_000);
  const after = await relayForMany(clock);
  for (const id of ids) link(after.relay, after.sockets, id);
  await settle();
  assertEquals([after.relay.size, after.relay.unreadBytes], [NODES, 0]);
  assertEquals(clock.waitingMs, [], "no timer is left of a link that was proven");
  assert(
    after.sockets.every((socket) => socket.closed === null && wordOf(socket).url !== undefined),
  );
});
