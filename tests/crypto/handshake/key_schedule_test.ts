import { assertEquals } from "@std/assert";
import { createAeads } from "../../../crypto/primitives/aead.ts";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { ed25519PublicKey } from "../../../crypto/primitives/curves.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import {
  derivePrk,
  deriveSessionKeys,
  deriveStandbyHalves,
  deriveStandbyPair,
} from "../../../crypto/handshake/key_schedule.ts";
import { aeadOfStep, nextChain, trafficKey } from "../../../crypto/session/ratchet.ts";
import { fromHex, repeated, toHex } from "../../vectors/read_vectors.ts";

const ID_A = encodeNodeId(ed25519PublicKey(repeated(0x01, 32)));
const ID_B = encodeNodeId(ed25519PublicKey(repeated(0x02, 32)));
const NEXT = { method: "beta", issuedAt: 1_790_000_000_000 };
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
    toHex(trafficKey(hashes, chain, { aead: "chacha20-poly1305", step: 0 })),
    "76fe144b3ff3ef3c6dc8bc87da80ff6b1690e8bcdba30ed3d23a1354f216169e",
  );
  assertEquals(
    toHex(trafficKey(hashes, nextChain(hashes, chain, 0), { aead: "aes-256-gcm", step: 1 })),
    "c3a804e9d6bded09165beb1326f0bb51660eef7c632187ae77a6f5e3728e0636",
  );
});

Deno.test("aeadOfStep() alternates, starting by the method's number", () => {
  const aeads = createAeads();
  const nameOf = (method: string, step: number) => aeadOfStep(aeads, { method, step }).name;
  const chacha = "chacha20-poly1305";
  const aes = "aes-256-gcm";
  assertEquals([0, 1, 2].map((step) => nameOf("alpha", step)), [chacha, aes, chacha]);
  assertEquals([0, 1].map((step) => nameOf("beta", step)), [aes, chacha]);
  assertEquals([0, 1].map((step) => nameOf("gamma", step)), [chacha, aes]);
  assertEquals([0, 1].map((step) => nameOf("delta", step)), [aes, chacha]);
  assertEquals([0, 1].map((step) => nameOf("spiral", step)), [chacha, aes]);
});

Deno.test("deriveStandbyPair() gives the fixed values of the next pairs", async () => {
  const hashes = await Hashes.create();
  const options = { prk: fromHex(PRK), next: NEXT, initiatorId: ID_A, responderId: ID_B };
  const first = deriveStandbyPair(hashes, options, 0);
  assertEquals(first.context.idA, ID_A);
  assertEquals(toHex(first.context.pairId), "c0280a23c771ab7846e9edfeb65dd051");
  assertEquals(
    [first.tokens.tokenA, first.tokens.tokenB, first.tokens.check].map(toHex),
    [
      "ec406c6b0f1b6ec4748fd633edee4768b4af41b3ead556571d479469828c62c0",
      "4af03c11cc8a236d728578675dae920d1a2d4853224eaf59b722c97ab4cf1581",
      "217ef9651544511d28da5441fed95e510410de6c534a9036e21b08425ac74bc4",
    ],
  );
  const last = deriveStandbyPair(hashes, options, 3);
  assertEquals(last.context.idA, ID_B);
  assertEquals(toHex(last.context.pairId), "1060efa4ba672328074b10444c624f62");
  assertEquals(
    [last.tokens.tokenA, last.tokens.tokenB, last.tokens.check].map(toHex),
    [
      "7fbe8036ed88394d8d21b93f82d74c2f380368deef75098618ffb9ada1521fcf",
      "e2487f095e9e1f0a6d1f7fdfc7450ac27202749dadd4484601322fae4dbc547a",
      "227594090f34eb9a53499dbebd544ae6c67a107aec7b66c174a6f90f68335764",
    ],
  );
});

Deno.test("deriveStandbyHalves() keeps each side's own half only", async () => {
  const hashes = await Hashes.create();
  const options = { prk: fromHex(PRK), next: NEXT, initiatorId: ID_A, responderId: ID_B };
  const ofA = deriveStandbyHalves(hashes, { ...options, ownId: ID_A });
  const ofB = deriveStandbyHalves(hashes, { ...options, ownId: ID_B });
  const initiator = "initiator";
  const responder = "responder";
  assertEquals(ofA.map((half) => half.info.role), [initiator, initiator, responder, responder]);
  assertEquals(ofB.map((half) => half.info.role), [responder, responder, initiator, initiator]);
  for (const [index, half] of ofA.entries()) {
    const other = ofB[index]!;
    assertEquals(half.info, { ...other.info, role: half.info.role });
    assertEquals(toHex(half.check), toHex(other.check));
    assertEquals(half.info.expiresAt, NEXT.issuedAt + 30 * 86_400_000);
    assertEquals(toHex(half.token) === toHex(other.token), false);
  }
  assertEquals(
    toHex(ofA[0]!.token),
    "ec406c6b0f1b6ec4748fd633edee4768b4af41b3ead556571d479469828c62c0",
  );
  assertEquals(
    toHex(ofA[3]!.token),
    "e2487f095e9e1f0a6d1f7fdfc7450ac27202749dadd4484601322fae4dbc547a",
  );
});
