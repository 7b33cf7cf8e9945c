import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { decodeNodeId, encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import { CHEAP_COST } from "../../world/cores.ts";

const secret = () => encodeUtf8("a node secret");

Deno.test("a successor is the one whose next was made, and its keystore holds a fresh noise key alone", async () => {
  const core = await LocalCryptoCore.create();
  const { sealed } = await core.createKeystore({ secret: secret(), cost: CHEAP_COST });
  const former = await core.openKeystore({ sealed, secret: secret() });
  const { phrase, next } = await core.createSuccessor();
  const copy = phrase.slice();
  const successor = await core.openSuccessor({ phrase });
  assertEquals(phrase, new Uint8Array(32));
  assertEquals(successor.next, next);
  assertEquals(await core.sha256(decodeNodeId(successor.nodeId)!), next);

  const made = await core.succeedKeystore({ successor: successor.key, cost: CHEAP_COST });
  const before = { sealed: made.sealed, secret: secret() };
  const refused = await assertRejects(() => core.openKeystore(before), CryptoError);
  assertEquals(refused.code, "unseal_failed");
  const opened = await core.openKeystore(made);
  assertEquals(opened.nodeId, successor.nodeId);
  assertEquals(opened.noiseKeys.length, 1);
  assertNotEquals(opened.noiseKeys[0]!.publicKey, former.noiseKeys[0]!.publicKey);

  assertEquals((await core.openSuccessor({ phrase: copy })).nodeId, successor.nodeId);
  await core.stop();
});

Deno.test("succeedKeystore() seals the fresh secret under a passphrase", async () => {
  const core = await LocalCryptoCore.create();
  const { phrase } = await core.createSuccessor();
  const { key, nodeId } = await core.openSuccessor({ phrase });
  const passphrase = encodeUtf8("a passphrase");
  const { sealed, secret: sealedSecret } = await core.succeedKeystore({
    successor: key,
    passphrase,
    cost: CHEAP_COST,
  });
  assertEquals(passphrase, new Uint8Array(passphrase.length));
  const opened = await core.openKeystore({
    sealed,
    sealedSecret,
    secret: encodeUtf8("a passphrase"),
  });
  assertEquals(opened.nodeId, nodeId);
  const asSuccessor = { successor: opened.identity, cost: CHEAP_COST };
  const wrongKind = await assertRejects(() => core.succeedKeystore(asSuccessor), CryptoError);
  assertEquals(wrongKind.code, "bad_argument");
  await core.stop();
});
