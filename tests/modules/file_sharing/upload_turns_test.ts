import { assertEquals, assertRejects } from "@std/assert";
import { UploadTurns } from "../../../modules/file_sharing/upload_turns.ts";
import { settle } from "../../world/settle.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";
import { PEERS } from "./sharing_world.ts";

const MIB = 2 ** 20;
const { signal } = new AbortController();

Deno.test("peers take turns, however much each of them waits for, and four chunks are in hand", async () => {
  const turns = new UploadTurns(new VirtualClock(0), 0);
  const order: number[] = [];
  const leave: (() => void)[] = [];
  const take = (peer: number) =>
    turns.take(PEERS[peer]!, MIB, signal).then((done) => {
      order.push(peer);
      leave.push(done);
    });
  for (let count = 0; count < 6; count++) take(0);
  for (let count = 0; count < 3; count++) take(1);
  take(2);
  await settle();
  assertEquals(order, [0, 0, 0, 0]);
  for (let count = 0; count < 6; count++) {
    const done = leave.shift()!;
    done();
    done();
    await settle();
  }
  assertEquals(order.slice(4), [0, 1, 2, 0, 1, 1]);
});

Deno.test("no more leaves in a second than the limit, and a pause saves up no more than a second", async () => {
  const clock = new VirtualClock(0);
  const turns = new UploadTurns(clock, 2 * MIB);
  let left = 0;
  const run = async (peer: number) => {
    for (;;) {
      const leave = await turns.take(PEERS[peer]!, MIB, signal);
      left += 1;
      leave();
    }
  };
  run(0);
  run(1);
  await settle();
  const before = left;
  assertEquals(before <= 3, true);
  for (let second = 0; second < 10; second++) {
    await clock.advance(1_000);
    await settle();
  }
  assertEquals(Math.abs(left - before - 20) <= 1, true, String(left - before));
  turns.stop();
});

Deno.test("who does not wait any more has no turn", async () => {
  const turns = new UploadTurns(new VirtualClock(0), 0);
  const leave = await Promise.all(
    [0, 0, 0, 0].map((peer) => turns.take(PEERS[peer]!, MIB, signal)),
  );
  const stop = new AbortController();
  const first = turns.take(PEERS[0]!, MIB, stop.signal);
  const second = turns.take(PEERS[1]!, MIB, signal);
  stop.abort();
  await assertRejects(() => first, DOMException);
  leave[0]!();
  (await second)();
});
