import { assertEquals, assertThrows } from "@std/assert";
import { encodeNodeId, type NodeId } from "../../../crypto/encoding.ts";
import { KeptCalls } from "../../../peer/modules/kept_calls.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { CALL_MEMORY_MS, MAX_KEPT_ANSWER_BYTES } from "../../../protocol/limits.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

const PEERS = Array.from(
  { length: 32 },
  (_, index) => encodeNodeId(new Uint8Array(32).fill(index + 1)),
);

function setUp() {
  const clock = new VirtualClock(0);
  const calls = new KeptCalls(clock);
  const add = (peer: NodeId, ask: string) => calls.add({ peer, type: "x.y", ask, digest: "d" });
  const answer = (peer: NodeId, ask: string, bytes: number) => {
    const call = add(peer, ask);
    calls.keep(call, { header: {}, body: new Uint8Array(), bytes });
    return call;
  };
  return { clock, calls, add, answer };
}

function codeOf(work: () => unknown): string {
  return assertThrows(work, OpenRedError).code;
}

Deno.test("KeptCalls keeps 16 MiB of answers in all: the oldest give way and stay known", () => {
  const { calls, answer } = setUp();
  const bytes = 2 ** 16;
  const kept = PEERS.slice(0, 16).flatMap((peer) =>
    Array.from({ length: 16 }, (_, index) => answer(peer, `${index}`, bytes))
  );
  assertEquals(kept.length * bytes, MAX_KEPT_ANSWER_BYTES);
  assertEquals(kept.filter(({ reply }) => reply === "lost").length, 0);
  answer(PEERS[16]!, "one more", bytes);
  assertEquals(kept.map(({ reply }) => reply === "lost"), [true, ...Array(255).fill(false)]);
  assertEquals(calls.find(PEERS[0]!, "0"), kept[0]);
  calls.stop();
});

Deno.test("KeptCalls counts the frame in which an answer went", () => {
  const { calls, answer } = setUp();
  const half = MAX_KEPT_ANSWER_BYTES / 2;
  const first = answer(PEERS[0]!, "a", half);
  const second = answer(PEERS[1]!, "b", half);
  const sealed = { frame: new Uint8Array(1), session: {} as never };
  calls.keepSealed(second, sealed);
  assertEquals([first.reply, second.sealed], ["lost", sealed]);
  calls.keepSealed(first, sealed);
  assertEquals(first.sealed, null, "what is lost is not kept again");
  calls.stop();
});

Deno.test("KeptCalls knows 2,048 calls of a peer and 32,768 of all, for their time", async () => {
  const { clock, calls, answer } = setUp();
  for (const peer of PEERS.slice(0, 16)) {
    for (let index = 0; index < 2_048; index++) answer(peer, `${index}`, 1);
    assertEquals(codeOf(() => answer(peer, "more", 1)), "rate_limited");
  }
  assertEquals(codeOf(() => answer(PEERS[16]!, "more", 1)), "overloaded");
  await clock.advance(CALL_MEMORY_MS);
  assertEquals(calls.find(PEERS[0]!, "0"), null);
  answer(PEERS[0]!, "more", 1);
  calls.stop();
});

Deno.test("KeptCalls knows a call that runs for as long as it runs", async () => {
  const { clock, calls, add, answer } = setUp();
  const running = add(PEERS[0]!, "long");
  answer(PEERS[0]!, "short", 1);
  await clock.advance(10 * CALL_MEMORY_MS);
  assertEquals(calls.find(PEERS[0]!, "short"), null);
  assertEquals(calls.find(PEERS[0]!, "long"), running);
  calls.keep(running, { header: {}, body: new Uint8Array(), bytes: 1 });
  await clock.advance(1_000);
  assertEquals([calls.find(PEERS[0]!, "long"), clock.waitingMs], [null, []]);
});
