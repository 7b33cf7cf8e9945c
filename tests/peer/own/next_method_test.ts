import { assertEquals } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { NextMethod } from "../../../peer/own/next_method.ts";

const HOUR_MS = 3_600_000;
const METHODS = ["alpha", "beta", "gamma", "delta"];

Deno.test("NextMethod.choose() is the core's choice at every time, asked for once an hour and list", async () => {
  const core = await LocalCryptoCore.create();
  for (
    const policy of [
      { kind: "hourly" },
      { kind: "daily" },
      { kind: "seeded", seed: new Uint8Array([1, 2, 3]) },
    ] as const
  ) {
    let asked = 0;
    const counting = {
      selectMethod: (options: Parameters<typeof core.selectMethod>[0]) => {
        asked += 1;
        return core.selectMethod(options);
      },
    };
    const next = new NextMethod(counting, policy);
    for (let hour = 0; hour < 30; hour++) {
      for (const minutes of [0, 59.99]) {
        const timestampMs = Math.round(hour * HOUR_MS + minutes * 60_000);
        const expected = await core.selectMethod({ timestampMs, policy, methods: METHODS });
        assertEquals(await next.choose(timestampMs, METHODS), expected);
      }
    }
    assertEquals(asked, 30);
    assertEquals(await next.choose(29 * HOUR_MS, ["beta"]), "beta");
  }
  await core.stop();
});
