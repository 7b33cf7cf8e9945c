import { assertEquals, assertRejects } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { Petnames } from "../../../peer/peers/petnames.ts";
import { Remembered } from "../../../peer/store/remembered.ts";
import { TestParts } from "../parts.ts";

const [PEER, OTHER] = [1, 2].map((fill) => encodeNodeId(new Uint8Array(32).fill(fill)));

Deno.test("Remembered reads once for each peer, and again after a change", () => {
  const reads: string[] = [];
  const remembered = new Remembered({ isInside: () => false, read: (peer) => reads.push(peer) });
  assertEquals([PEER, PEER, OTHER, PEER].map((peer) => remembered.of(peer!)), [1, 1, 2, 1]);
  remembered.forget();
  assertEquals(remembered.of(PEER!), 3);
});

Deno.test("Remembered keeps nothing that was read while writes are applied, and is bounded", () => {
  let isInside = true;
  let reads = 0;
  const remembered = new Remembered({ isInside: () => isInside, read: () => ++reads });
  assertEquals([remembered.of(PEER!), remembered.of(PEER!)], [1, 2]);
  isInside = false;
  assertEquals([remembered.of(PEER!), remembered.of(PEER!)], [3, 3]);
  for (let index = 0; index < 4_096; index++) {
    const id = new Uint8Array(32).fill(3);
    new DataView(id.buffer).setUint32(0, index);
    remembered.of(encodeNodeId(id));
  }
  assertEquals(remembered.of(PEER!), 4_100);
});

Deno.test("What was decided in a transaction that fails is not remembered", async () => {
  using parts = await TestParts.create();
  const { permissions, store } = parts;
  const petnames = new Petnames(store);
  await permissions.block(OTHER!);
  const seen: unknown[] = [];
  const look = () => seen.push(permissions.isBlocked(OTHER!), permissions.isBlocked(PEER!));
  await assertRejects(() =>
    store.write(() => {
      permissions.writeMove(OTHER!, PEER!);
      petnames.writeMove(OTHER!, PEER!);
      look();
      throw new Error("The disk is full");
    })
  );
  look();
  assertEquals(seen, [false, true, true, false]);
  await store.write(() => permissions.writeMove(OTHER!, PEER!));
  look();
  assertEquals(seen.slice(4), [false, true]);
});

Deno.test("A peer that is allowed already is accepted without a write", async () => {
  using parts = await TestParts.create();
  const { permissions } = parts;
  await permissions.accept(PEER!);
  parts.fillDisk();
  await permissions.accept(PEER!);
  await assertRejects(() => permissions.accept(OTHER!));
  assertEquals(permissions.standing(PEER!, "message"), "allowed");
});
