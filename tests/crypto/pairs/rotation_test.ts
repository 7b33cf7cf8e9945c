import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHmac } from "node:crypto";
import { commonMethods } from "../../../crypto/common_methods.ts";
import { enc } from "../../../crypto/encoding.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { CRYPTO_METHODS } from "../../../crypto/interface.ts";
import { selectCryptoMethod } from "../../../crypto/pairs/rotation.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const hashes = await Hashes.create();
const hourly = { kind: "hourly" } as const;
const daily = { kind: "daily" } as const;

Deno.test("commonMethods() puts the built-in ones first, then others bytewise, each once", () => {
  const a = ["zeta", "delta", "Zeta", "beta", "eta", "alpha", "beta"];
  const b = ["alpha", "eta", "Zeta", "zeta", "delta", "gamma", "beta"];
  const expected = ["alpha", "beta", "delta", "Zeta", "eta", "zeta"];
  assertEquals(commonMethods(a, b), expected);
  assertEquals(commonMethods(b, a), expected);
  assertEquals(commonMethods(a, ["gamma"]), []);
});

Deno.test("commonMethods() gives both sides the same list", () => {
  const list = fc.array(fc.constantFrom(...CRYPTO_METHODS, "x", "Y", "~", "alpha2"));
  fc.assert(fc.property(list, list, (a, b) => {
    assertEquals(commonMethods(a, b), commonMethods(b, a));
  }));
});

Deno.test("selectCryptoMethod() hourly adds the hour and the day of the month, in UTC", () => {
  const select = (text: string, methods: readonly string[] = CRYPTO_METHODS) =>
    selectCryptoMethod(hashes, { timestampMs: Date.parse(text), policy: hourly, methods });
  assertEquals(select("2026-09-01T00:00:00Z"), "beta");
  assertEquals(select("2026-09-01T23:59:59.999Z"), "alpha");
  assertEquals(select("2026-09-02T00:00:00Z"), "gamma");
  assertEquals(select("2026-09-30T17:10:00Z"), "delta");
  assertEquals(select("2026-09-30T17:10:00Z", ["beta", "gamma", "x"]), "x");
});

Deno.test("selectCryptoMethod() daily counts the weekday from Sunday 0, in UTC", () => {
  const select = (text: string) =>
    selectCryptoMethod(hashes, {
      timestampMs: Date.parse(text),
      policy: daily,
      methods: CRYPTO_METHODS,
    });
  assertEquals(select("2026-09-20T23:59:59Z"), "alpha");
  assertEquals(select("2026-09-21T00:00:00Z"), "beta");
  assertEquals(select("2026-09-26T12:00:00Z"), "gamma");
});

Deno.test("selectCryptoMethod() seeded takes the first four bytes of the MAC of the hour", () => {
  const seed = repeated(5);
  const hours = 497_222;
  const mac = createHmac("sha256", seed).update(enc("openred/v3/rotation", hours)).digest();
  for (const methods of [["alpha"], ["beta", "gamma", "delta"], [...CRYPTO_METHODS, "x"]]) {
    const expected = methods[mac.readUInt32BE(0) % methods.length];
    for (const offsetMs of [0, 3_599_999]) {
      const timestampMs = hours * 3_600_000 + offsetMs;
      const policy = { kind: "seeded", seed } as const;
      assertEquals(selectCryptoMethod(hashes, { timestampMs, policy, methods }), expected);
    }
  }
});

Deno.test("selectCryptoMethod() refuses an empty list and impossible times", () => {
  const select = (timestampMs: number, methods: readonly string[]) => () =>
    selectCryptoMethod(hashes, { timestampMs, policy: hourly, methods });
  assertThrows(select(0, []), RangeError);
  for (const timestampMs of [-1, NaN, 0.5, 8.64e15 + 1]) {
    assertThrows(select(timestampMs, CRYPTO_METHODS), RangeError);
  }
});
