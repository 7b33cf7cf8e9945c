import { assert, assertEquals } from "@std/assert";
import { UnderWay } from "../../ports/under_way.ts";
import { settle } from "../world/settle.ts";

Deno.test("UnderWay is full at so many pieces or bytes, and says when there is room again", async () => {
  const underWay = new UnderWay({ maxCount: 3, maxBytes: 100 });
  assert(underWay.isIdle);
  const [first, second] = [underWay.begin(50), underWay.begin(49)];
  assert(!underWay.isFull);
  const third = underWay.begin(0);
  assert(underWay.isFull, "by their number");
  third();
  const large = underWay.begin(1);
  assert(underWay.isFull, "by their bytes");
  let waited = 0;
  for (let waiter = 0; waiter < 2; waiter++) underWay.room().then(() => waited += 1);
  await settle();
  assertEquals(waited, 0);
  first();
  first();
  await settle();
  assertEquals(waited, 2);
  second();
  large();
  assert(underWay.isIdle, "an end counts once");
});
