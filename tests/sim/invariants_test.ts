import { assertRejects, assertThrows } from "@std/assert";
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { MessageView } from "../../protocol/messaging_api.ts";
import { EventLoop } from "./event_loop.ts";
import { InvariantBroken } from "./invariant.ts";
import { MessageLedger } from "./message_ledger.ts";
import type { VirtualHost } from "./virtual_process.ts";
import { jsonAnswer, type WireCall } from "./wire.ts";
import { WireMonitor } from "./wire_monitor.ts";

const PAIR = encodeBase64Url(new Uint8Array(16).fill(7));

function makeCall(path: string, content: unknown): WireCall {
  const body = new TextEncoder().encode(JSON.stringify(content));
  const from = { name: "alice" } as VirtualHost;
  return { id: 1, from, to: "bob", method: "POST", url: "", path, headers: {}, body };
}

function makeFrame(session: number, counter: number, content: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(60).fill(content);
  frame[0] = 3;
  frame.fill(session, 1, 17).fill(0, 17, 29);
  frame[28] = counter;
  return frame;
}

function handshake(monitor: WireMonitor, made: { noise: number; session: number }): void {
  const noise = encodeBase64Url(new Uint8Array(100).fill(made.noise));
  const session = encodeBase64Url(new Uint8Array(16).fill(made.session));
  monitor.answer(
    makeCall("/p2p/handshake", { v: 3, suite: "ik-x25519", pair_id: PAIR, noise }),
    jsonAnswer(200, { session_established: true, session_id: session, noise: session }),
  );
}

function confirm(monitor: WireMonitor, session: number): void {
  const data = makeFrame(session, 0, 1);
  const content = {
    session_id: encodeBase64Url(data.subarray(1, 17)),
    data: encodeBase64Url(data),
  };
  monitor.answer(makeCall("/p2p/message", content), jsonAnswer(200, { received: true }));
}

async function assertBreaks(act: (monitor: WireMonitor) => void, message: string): Promise<void> {
  const loop = new EventLoop();
  act(new WireMonitor(loop));
  await assertRejects(() => loop.settle(), InvariantBroken, message);
}

Deno.test("WireMonitor lets through what is right", async () => {
  const loop = new EventLoop();
  const monitor = new WireMonitor(loop);
  handshake(monitor, { noise: 1, session: 1 });
  handshake(monitor, { noise: 1, session: 1 });
  handshake(monitor, { noise: 2, session: 2 });
  confirm(monitor, 2);
  for (const from of ["alice", "alice", "bob"]) {
    monitor.message({ from, to: "carol", data: makeFrame(2, 5, from === "bob" ? 8 : 9) });
  }
  await loop.settle();
});

Deno.test("WireMonitor notices a counter that was used twice", async () => {
  await assertBreaks((monitor) => {
    monitor.message({ from: "alice", to: "bob", data: makeFrame(1, 5, 9) });
    monitor.message({ from: "alice", to: "bob", data: makeFrame(1, 5, 8) });
  }, "used counter");
});

Deno.test("WireMonitor notices a pair that works after its confirmation", async () => {
  await assertBreaks((monitor) => {
    handshake(monitor, { noise: 1, session: 1 });
    confirm(monitor, 1);
    handshake(monitor, { noise: 2, session: 2 });
  }, "worked again");
});

Deno.test("WireMonitor notices two answers to one message 1", async () => {
  await assertBreaks((monitor) => {
    handshake(monitor, { noise: 1, session: 1 });
    handshake(monitor, { noise: 1, session: 2 });
  }, "two answers");
});

Deno.test("WireMonitor notices a ninth message 1, and an unexpected 500", async () => {
  await assertBreaks((monitor) => {
    for (let noise = 1; noise <= 9; noise++) handshake(monitor, { noise, session: noise });
  }, "ninth");
  await assertBreaks((monitor) => {
    monitor.answer(makeCall("/identity", {}), jsonAnswer(500, { code: "internal" }));
  }, "answered 500");
});

function makeLedger(): { ledger: MessageLedger; view: (text: string) => MessageView } {
  const ledger = new MessageLedger();
  const entry = ledger.write("alice", "bob", "one");
  entry.id = "id one";
  entry.isDelivered = true;
  let number = 0;
  const view = (text: string): MessageView => {
    number++;
    return {
      number,
      id: `id ${text}`,
      peer: "a",
      petname: null,
      text,
      received_at: 1,
      standing: "allowed",
    };
  };
  return { ledger, view };
}

Deno.test("MessageLedger notices what is lost, doubled, changed or made up", () => {
  const { ledger, view } = makeLedger();
  const check = (...inbox: MessageView[]) => ledger.checkInbox("bob", inbox, () => "alice");
  check(view("one"));
  assertThrows(() => check(), InvariantBroken, "has lost");
  assertThrows(() => check(view("one"), view("one")), InvariantBroken, "twice");
  assertThrows(() => check(view("onf")), InvariantBroken, "nobody wrote");
  assertThrows(() => check({ ...view("one"), id: "id two" }), InvariantBroken, "another id");
  assertThrows(() => ledger.checkInbox("bob", [view("one")], () => "carol"), InvariantBroken);
});
