import { assertEquals } from "@std/assert";
import { Gathering, MAX_LOT } from "../../../modules/messaging/gathering.ts";
import { settle } from "../../world/settle.ts";
import { VirtualClock } from "../../world/virtual_clock.ts";

Deno.test("Gathering works on the things of a turn together, and on those that come meanwhile afterwards", async () => {
  const lots: (readonly number[])[] = [];
  const ends: (() => void)[] = [];
  const gathering = new Gathering<number>(new VirtualClock(0), (lot) => {
    lots.push(lot);
    return new Promise((resolve) => ends.push(resolve));
  });
  gathering.add(1);
  gathering.add(2);
  assertEquals(lots, []);
  await settle();
  gathering.add(3);
  await settle();
  gathering.add(4);
  await settle();
  assertEquals(lots, [[1, 2]]);
  ends.shift()!();
  await settle();
  assertEquals(lots, [[1, 2], [3, 4]]);
  ends.shift()!();
  await settle();
  gathering.add(5);
  await settle();
  assertEquals(lots, [[1, 2], [3, 4], [5]]);
});

Deno.test("Gathering works on so many at a time, in their order", async () => {
  const lots: (readonly number[])[] = [];
  const gathering = new Gathering<number>(new VirtualClock(0), (lot) => {
    lots.push(lot);
    return Promise.resolve();
  });
  const all = Array.from({ length: MAX_LOT + 1 }, (_, index) => index);
  for (const one of all) gathering.add(one);
  await settle();
  assertEquals(lots, [all.slice(0, MAX_LOT), all.slice(MAX_LOT)]);
});
