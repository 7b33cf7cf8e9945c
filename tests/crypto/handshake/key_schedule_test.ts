import { assertEquals } from "@std/assert";
import { CRYPTO_METHODS } from "../../../crypto/interface.ts";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { ed25519PublicKey } from "../../../crypto/primitives/curves.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { derivePrk, deriveSessionKeys } from "../../../crypto/handshake/key_schedule.ts";
import { nextChain, trafficKey } from "../../../crypto/session/ratchet.ts";
import { fromHex, repeated, toHex } from "../../vectors/read_vectors.ts";

const ID_A = encodeNodeId(ed25519PublicKey(repeated(0x01, 32)));
const ID_B = encodeNodeId(ed25519PublicKey(repeated(0x02, 32)));
const CHAIN_A_TO_B = "6aec8e800559300cef12b41e8d54d0c9be290fa8efe6b370c0dd408b848e9157";
const PRK = "0ae746856e2cc5cfc1887deb4f0872545aa06af9cfdbc9ee2d8655bfd8070009";

Deno.test("derivePrk() and deriveSessionKeys() give the fixed values", async () => {
  const hashes = await Hashes.create();
  const prk = derivePrk(hashes, {
    handshakeHash: repeated(0x77, 32),
    k1: repeated(0xc1, 32),
    k2: repeated(0xc2, 32),
    root: repeated(0xdd, 32),
    kem: repeated(0xee, 32),
  });
  const keys = deriveSessionKeys(hashes, prk, {
    suite: "ik-x25519-mlkem768",
    pairId: repeated(0x10, 16),
    idA: ID_A,
    idB: ID_B,
  });
  assertEquals(toHex(prk), PRK);
  assertEquals(toHex(keys.chainAToB), CHAIN_A_TO_B);
  assertEquals(
    toHex(keys.chainBToA),
    "8a5867eed4313b810e18866395c5e7a2d295a930bb99b5ae2f96d25135788418",
  );
  assertEquals(toHex(keys.sessionId), "603138efd37f8389eda93e38fb7d6b2f");
  assertEquals(
    toHex(keys.binding),
    "413fcdae3fc29e15b3ba68e0184fd0b0cfae97710fdcba1c868fe63ba2d89890",
  );
});

Deno.test("trafficKey() gives the fixed values of steps 0 and 1", async () => {
  const hashes = await Hashes.create();
  const chain = fromHex(CHAIN_A_TO_B);
  assertEquals(
    toHex(trafficKey(hashes, chain, { method: "alpha", step: 0 })),
    "782ae4f6fbf8c68687147e0919b8f459e2aeeae8deee31c8ec2b74231554275f",
  );
  assertEquals(
    toHex(trafficKey(hashes, nextChain(hashes, chain, 0), { method: "alpha", step: 1 })),
    "6d9c1bdf2490358488a5d2c4fb669317fbf68b73cb3fd6f9b05970f8dd92172a",
  );
});

Deno.test("trafficKey() is another one for every method and step", async () => {
  const hashes = await Hashes.create();
  const chain = fromHex(CHAIN_A_TO_B);
  const keys = [...CRYPTO_METHODS, "spiral"].flatMap((method) =>
    [0, 1].map((step) => toHex(trafficKey(hashes, chain, { method, step })))
  );
  assertEquals(new Set(keys).size, keys.length);
});
