import { assertEquals } from "@std/assert";
import { LentMethods } from "../../../crypto/bridge/lent_methods.ts";
import type { MethodBlock, ModuleMethod } from "../../../crypto/interface.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const REQUEST = { method: "spiral_4", key: repeated(1), block: repeated(2), inverse: false };

/** A clock whose timers a test lets run out. */
class HandClock {
  readonly running = new Map<() => void, number>();

  setTimer(delayMs: number, callback: () => void): () => void {
    this.running.set(callback, delayMs);
    return () => this.running.delete(callback);
  }

  runOut(): void {
    for (const callback of this.running.keys()) callback();
  }
}

function lend(changes: Partial<ModuleMethod>) {
  const clock = new HandClock();
  const failures: string[] = [];
  const method: ModuleMethod = {
    name: "spiral_4",
    permute: ({ block }) => Promise.resolve(block),
    clock,
    failed: () => failures.push("failed"),
    ...changes,
  };
  const methods = new LentMethods();
  methods.lend(method);
  return { methods, method, clock, failures };
}

Deno.test("LentMethods gives a method copies, and takes a copy of what it gives", async () => {
  let given: MethodBlock | null = null;
  const result = repeated(3);
  const { methods, clock } = lend({
    permute: (block) => {
      given = block;
      block.key.fill(0);
      block.block.fill(0);
      return Promise.resolve(result);
    },
  });
  const request = { ...REQUEST, key: repeated(1), block: repeated(2) };
  const permuted = await methods.permute(request);
  result.fill(9);
  assertEquals(permuted, repeated(3));
  assertEquals([request.key, request.block], [repeated(1), repeated(2)]);
  assertEquals(Object.keys(given!).sort(), ["block", "inverse", "key"]);
  assertEquals(clock.running.size, 0, "its timer is taken back");
});

Deno.test("LentMethods waits 250 ms for a block, or what the method says", async () => {
  for (const [blockMs, expected] of [[undefined, 250], [20, 20]] as const) {
    const { methods, clock, failures } = lend({
      permute: () => new Promise(() => {}),
      ...(blockMs === undefined ? {} : { blockMs }),
    });
    const asking = methods.permute(REQUEST);
    assertEquals([...clock.running.values()], [expected]);
    clock.runOut();
    assertEquals([await asking, failures], [null, ["failed"]]);
  }
});

Deno.test("LentMethods takes back the method that was lent, not one that has replaced it", async () => {
  const { methods, method } = lend({});
  const newer = { ...method, permute: () => Promise.resolve(repeated(7)) };
  methods.lend(newer);
  methods.takeBack(method);
  assertEquals(await methods.permute(REQUEST), repeated(7));
  methods.takeBack(newer);
  assertEquals(await methods.permute(REQUEST), null);
});
