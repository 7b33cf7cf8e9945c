import { assertEquals, assertThrows } from "@std/assert";
import { SigningKey } from "../../../crypto/primitives/curves.ts";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import { signJws } from "../../../crypto/primitives/jws.ts";
import { VerifiedJws } from "../../../crypto/keyring/verified_jws.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const typ = "openred-record+jwt";

function createCounting(holds: boolean) {
  const calls = { count: 0 };
  const verified = new VerifiedJws(() => {
    calls.count++;
    return holds;
  });
  return { verified, calls };
}

function sign(number: number): string {
  const key = SigningKey.fromSeed(repeated(1));
  const payload = JSON.stringify({ iss: encodeNodeId(key.publicKey), number });
  return signJws({ key, typ, payload });
}

Deno.test("VerifiedJws verifies a text once, for one type", () => {
  const { verified, calls } = createCounting(true);
  const text = sign(1);
  const first = verified.verify({ text, typ });
  assertEquals(verified.verify({ text, typ }), first);
  assertEquals(calls.count, 1);
  assertThrows(() => verified.verify({ text, typ: "openred-pair+jwt" }), CryptoError);
});

Deno.test("VerifiedJws does not remember what failed", () => {
  const { verified, calls } = createCounting(false);
  const text = sign(1);
  for (let round = 0; round < 2; round++) {
    assertThrows(() => verified.verify({ text, typ }), CryptoError);
  }
  assertEquals(calls.count, 2);
});

Deno.test("VerifiedJws forgets the text that was not used for longest after 4,096", () => {
  const { verified, calls } = createCounting(true);
  const texts = Array.from({ length: 4097 }, (_, number) => sign(number));
  for (const text of texts.slice(0, 4096)) verified.verify({ text, typ });
  verified.verify({ text: texts[0]!, typ });
  assertEquals(calls.count, 4096);
  verified.verify({ text: texts[4096]!, typ });
  verified.verify({ text: texts[0]!, typ });
  assertEquals(calls.count, 4097);
  verified.verify({ text: texts[1]!, typ });
  assertEquals(calls.count, 4098);
});
