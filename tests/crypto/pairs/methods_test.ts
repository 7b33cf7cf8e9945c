import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { CRYPTO_METHODS, CryptoError } from "../../../crypto/interface.ts";
import { isBuiltInMethod, reverseTransform, transform } from "../../../crypto/pairs/methods.ts";
import { enc } from "../../../crypto/encoding.ts";
import { repeated, toHex } from "../../vectors/read_vectors.ts";

const hashes = await Hashes.create();
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const input = fc.record({
  method: fc.constantFrom(...CRYPTO_METHODS),
  salt: bytes32,
  variant: fc.constantFrom("variant_alpha" as const, "variant_beta" as const),
  nodeId: fc.string({ maxLength: 60 }),
  issuedAt: fc.maxSafeNat(),
});

/** Each method once more, written from the design's table alone and without regard to speed. */
function slowTransform(of: Parameters<typeof transform>[1], state: Uint8Array): Uint8Array {
  const orders: Record<string, string> = {
    alpha: "xrpc",
    beta: "rcxp",
    gamma: "pxcr",
    delta: "cprx",
  };
  const seed = enc("openred/v3/transform", of.salt, of.method, of.variant, of.nodeId, of.issuedAt);
  const s = hashes.blake3(seed, 320);
  let result = [...state];
  for (const step of orders[of.method]!) {
    if (step === "x") result = result.map((byte, i) => byte ^ s[i]!);
    if (step === "r") {
      const value = BigInt("0x" + toHex(Uint8Array.from(result)));
      const left = BigInt(s[32]!);
      const rotated = (value << left | value >> (256n - left)) & ((1n << 256n) - 1n);
      const text = rotated.toString(16).padStart(64, "0");
      result = result.map((_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
    }
    if (step === "p") {
      for (let i = 31; i >= 1; i--) {
        const j = new DataView(s.buffer).getUint32(64 + 4 * (31 - i)) % (i + 1);
        [result[i], result[j]] = [result[j]!, result[i]!];
      }
    }
    if (step === "c") {
      let [left, right] = [result.slice(0, 16), result.slice(16)];
      for (let k = 0; k < 4; k++) {
        const key = s.subarray(192 + 32 * k, 224 + 32 * k);
        const mask = hashes.sha256(key, Uint8Array.from(right));
        [left, right] = [right, left.map((byte, i) => byte ^ mask[i]!)];
      }
      result = [...left, ...right];
    }
  }
  return Uint8Array.from(result);
}

Deno.test("transform() does what the table of the design says, step by step", () => {
  fc.assert(fc.property(input, bytes32, (of, state) => {
    assertEquals(toHex(transform(hashes, of, state)), toHex(slowTransform(of, state)));
  }));
});

Deno.test("reverseTransform() undoes transform() for every method and any input", () => {
  fc.assert(
    fc.property(input, bytes32, (of, state) => {
      const before = state.slice();
      const token = transform(hashes, of, state);
      assertEquals(reverseTransform(hashes, of, token), before);
      assertEquals(transform(hashes, of, reverseTransform(hashes, of, state)), before);
      assertEquals(state, before);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("transform() depends on each of its inputs", () => {
  const of = {
    method: "alpha",
    salt: repeated(1),
    variant: "variant_alpha",
    nodeId: "a",
    issuedAt: 1,
  } as const;
  const token = transform(hashes, of, repeated(9));
  const others = [
    { ...of, method: "beta" },
    { ...of, salt: repeated(2) },
    { ...of, variant: "variant_beta" as const },
    { ...of, nodeId: "b" },
    { ...of, issuedAt: 2 },
  ];
  for (const other of others) assertNotEquals(transform(hashes, other, repeated(9)), token);
});

Deno.test("transform() refuses unknown methods and wrong lengths", () => {
  const of = {
    method: "alpha",
    salt: repeated(1),
    variant: "variant_alpha",
    nodeId: "a",
    issuedAt: 1,
  } as const;
  for (const method of ["epsilon", "toString", "__proto__", ""]) {
    assertEquals(isBuiltInMethod(method), false);
    const error = assertThrows(
      () => transform(hashes, { ...of, method }, repeated(1)),
      CryptoError,
    );
    assertEquals(error.code, "bad_argument");
  }
  assertThrows(() => transform(hashes, of, repeated(1, 31)), RangeError);
  assertThrows(() => reverseTransform(hashes, of, repeated(1, 33)), RangeError);
  assertThrows(() => transform(hashes, { ...of, salt: repeated(1, 16) }, repeated(1)), RangeError);
});
