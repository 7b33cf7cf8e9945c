import { assertEquals } from "@std/assert";
import { PacedCalls } from "../../../../peer/modules/sandbox/paced_calls.ts";
import { settle } from "../../../world/settle.ts";
import { VirtualClock } from "../../../world/virtual_clock.ts";

/** Calls that take a while each, and what of them is done. */
class Work {
  readonly clock = new VirtualClock(0);
  readonly calls = new PacedCalls(this.clock);
  readonly done: number[] = [];
  underWay = 0;
  most = 0;

  ask(number: number, spanMs: number): void {
    void this.calls.run(async () => {
      this.most = Math.max(this.most, ++this.underWay);
      await new Promise<void>((resolve) => this.clock.setTimer(spanMs, resolve));
      this.underWay -= 1;
      this.done.push(number);
    });
  }

  async pass(spanMs: number): Promise<void> {
    for (let passed = 0; passed < spanMs; passed += 10) {
      await this.clock.advance(10);
      await settle();
    }
  }
}

Deno.test("calls of one module run one after the other, in their order", async () => {
  const work = new Work();
  for (const number of [1, 2, 3]) work.ask(number, 20);
  await work.pass(200);
  assertEquals([work.done, work.most], [[1, 2, 3], 1]);
});

Deno.test("a module that asks without end gets a quarter of the time", async () => {
  const work = new Work();
  for (let number = 0; number < 1_000; number++) work.ask(number, 50);
  await work.pass(1_000);
  await work.pass(4_000);
  const spentMs = 50 * work.done.length;
  assertEquals(spentMs >= 1_250 && spentMs <= 1_550, true, `${spentMs} of 5,000 ms`);
});

Deno.test("a call that fails lets the next one run", async () => {
  const { calls } = new Work();
  const failed = calls.run(() => Promise.reject(new Error("no"))).catch(({ message }) => message);
  assertEquals([await failed, await calls.run(() => Promise.resolve("yes"))], ["no", "yes"]);
});

Deno.test("once the module is gone no further call runs, and no timer stays", async () => {
  const work = new Work();
  for (let number = 0; number < 3; number++) work.ask(number, 1_000);
  await work.pass(1_100);
  assertEquals(work.done, [0]);
  work.calls.stop();
  await work.pass(10_000);
  assertEquals([work.done, work.clock.waitingMs], [[0], []]);
});
