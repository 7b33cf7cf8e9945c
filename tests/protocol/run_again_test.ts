import { assertEquals, assertRejects } from "@std/assert";
import { RunAgain } from "../../protocol/run_again.ts";

/** Work that lasts until the test ends it. */
function heldWork() {
  const ends: ((error?: Error) => void)[] = [];
  const again = new RunAgain(() =>
    new Promise((resolve, reject) => {
      ends.push((error) => error === undefined ? resolve() : reject(error));
    })
  );
  return { again, ends };
}

Deno.test("RunAgain works once at a time, and once more for all who wanted it meanwhile", async () => {
  const { again, ends } = heldWork();
  const first = again.run();
  assertEquals([ends.length, again.isRunning], [1, true]);
  const others = [again.run(), again.run()];
  ends[0]!();
  await Promise.resolve().then(() => {});
  assertEquals(ends.length, 2);
  ends[1]!();
  await Promise.all([first, ...others]);
  assertEquals([ends.length, again.isRunning], [2, false]);
  void again.run();
  assertEquals(ends.length, 3);
});

Deno.test("RunAgain tells of a failure, unless the work was wanted once more", async () => {
  const { again, ends } = heldWork();
  const failing = again.run();
  ends[0]!(new RangeError("no"));
  await assertRejects(() => failing, RangeError);
  assertEquals(again.isRunning, false);
  const first = again.run();
  const second = again.run();
  ends[1]!(new RangeError("no"));
  await Promise.resolve().then(() => {});
  ends[2]!();
  await Promise.all([first, second]);
});
