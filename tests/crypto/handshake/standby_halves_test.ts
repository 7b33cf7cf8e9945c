import { assertEquals } from "@std/assert";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import {
  deriveStandbyHalves,
  deriveStandbyPair,
} from "../../../crypto/handshake/standby_halves.ts";
import { generateAsymmetricTokens } from "../../../crypto/pairs/tokens.ts";
import { ed25519PublicKey } from "../../../crypto/primitives/curves.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { fromHex, repeated, toHex } from "../../vectors/read_vectors.ts";

const ID_A = encodeNodeId(ed25519PublicKey(repeated(0x01, 32)));
const ID_B = encodeNodeId(ed25519PublicKey(repeated(0x02, 32)));
const NEXT = { method: "beta", issuedAt: 1_790_000_000_000 };
const PRK = "0ae746856e2cc5cfc1887deb4f0872545aa06af9cfdbc9ee2d8655bfd8070009";

/** No module brings a method. */
const NO_METHODS = { permute: () => Promise.reject(new Error("No method is in use")) };

Deno.test("deriveStandbyPair() gives the fixed values of the next pairs", async () => {
  const hashes = await Hashes.create();
  const options = { prk: fromHex(PRK), next: NEXT, initiatorId: ID_A, responderId: ID_B };
  const pairOf = (index: number) => {
    const { context, secrets } = deriveStandbyPair(hashes, options, index);
    return { context, tokens: generateAsymmetricTokens(hashes, context, secrets) };
  };
  const first = pairOf(0);
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
  const last = pairOf(3);
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
  const parts = { hashes, permutations: NO_METHODS };
  const ofA = await deriveStandbyHalves(parts, { ...options, ownId: ID_A });
  const ofB = await deriveStandbyHalves(parts, { ...options, ownId: ID_B });
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
