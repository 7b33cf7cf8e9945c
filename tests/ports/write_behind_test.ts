import { assertEquals } from "@std/assert";
import { WriteBehind } from "../../ports/system_write_behind.ts";

const MIB = 2 ** 20;

/** A file whose syncs end when the test says so. */
class SyncedFile {
  readonly syncs: PromiseWithResolvers<void>[] = [];

  syncBehind(): Promise<void> {
    const sync = Promise.withResolvers<void>();
    this.syncs.push(sync);
    return sync.promise;
  }
}

/** Resolves after whatever can go on now. */
function later(): Promise<"later"> {
  return new Promise((resolve) => setTimeout(() => resolve("later"), 0));
}

async function isPending(work: Promise<unknown>): Promise<boolean> {
  return await Promise.race([work, later()]) === "later";
}

Deno.test("WriteBehind syncs the file with most bytes once there are many, one at a time", async () => {
  const behind = new WriteBehind();
  const [small, large] = [new SyncedFile(), new SyncedFile()];
  await behind.wrote(small, 2 * MIB);
  await behind.wrote(large, 5 * MIB);
  assertEquals([small.syncs.length, large.syncs.length], [0, 0]);
  await behind.wrote(small, MIB);
  assertEquals([small.syncs.length, large.syncs.length], [0, 1]);
  await behind.wrote(small, 9 * MIB);
  assertEquals([small.syncs.length, large.syncs.length], [0, 1]);
  large.syncs[0]!.resolve();
  await later();
  assertEquals([small.syncs.length, large.syncs.length], [1, 1]);
  small.syncs[0]!.resolve();
});

Deno.test("WriteBehind has writers wait while the disk is too slow, also where a sync fails", async () => {
  const behind = new WriteBehind();
  const file = new SyncedFile();
  await behind.wrote(file, 40 * MIB);
  const waiting = behind.wrote(file, 24 * MIB);
  assertEquals(await isPending(waiting), true);
  file.syncs[0]!.reject(new Error("The disk is full"));
  assertEquals(await isPending(waiting), false);
  assertEquals(file.syncs.length, 2);
});

Deno.test("WriteBehind counts nothing of files that are closed", async () => {
  const behind = new WriteBehind();
  const [gone, other] = [new SyncedFile(), new SyncedFile()];
  await behind.wrote(gone, 7 * MIB);
  behind.forget(gone);
  await behind.wrote(other, 7 * MIB);
  assertEquals([gone.syncs.length, other.syncs.length], [0, 0]);
  await behind.wrote(other, MIB);
  const waiting = behind.wrote(other, 56 * MIB);
  assertEquals(await isPending(waiting), true);
  behind.forget(other);
  other.syncs[0]!.resolve();
  assertEquals(await isPending(waiting), false);
  assertEquals(other.syncs.length, 1);
});
