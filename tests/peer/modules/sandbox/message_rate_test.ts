import { assertEquals } from "@std/assert";
import { MessageRate } from "../../../../peer/modules/sandbox/message_rate.ts";
import { pack } from "../../../../peer/modules/sandbox/packing.ts";
import { ManualClock } from "../../../world/manual_clock.ts";

Deno.test("answers that the node asked for count for nothing: peers with many frames end no module", () => {
  const rate = new MessageRate(new ManualClock(0));
  const message = pack({ kind: "answer", number: 1 });
  for (let one = 0; one < 7_000; one++) {
    rate.expect();
    assertEquals(rate.take(message), true);
  }
  for (let one = 0; one < 5_000; one++) assertEquals(rate.take(message), true);
  assertEquals(rate.take(message), false);
});
