import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { LocalCryptoCore } from "../../../crypto/core.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError, type KeyRef, type OpenedKeystore } from "../../../crypto/interface.ts";
import { repeated } from "../../vectors/read_vectors.ts";
import { FORMER_KEYSTORE, formerSecret } from "./former_keystore.ts";

const COST = { memoryKiB: 8, passes: 1 };
const SALT = repeated(9, 16);
const AAD = encodeUtf8("row 1");
const CONTENT = encodeUtf8("what a module keeps");

async function createKeys(core: LocalCryptoCore): Promise<OpenedKeystore> {
  const secret = () => encodeUtf8("a node secret");
  const { sealed } = await core.createKeystore({ secret: secret(), cost: COST });
  return await core.openKeystore({ sealed, secret: secret() });
}

function keyOf(core: LocalCryptoCore, storage: KeyRef, module = "messaging"): Promise<KeyRef> {
  return core.deriveModuleKey({ storage, module, salt: SALT });
}

async function sealOne(core: LocalCryptoCore, key: KeyRef): Promise<Uint8Array> {
  const [sealed] = await core.sealRows({ key, rows: [{ aad: AAD, content: CONTENT }] });
  return sealed!;
}

async function openOne(core: LocalCryptoCore, key: KeyRef, sealed: Uint8Array) {
  const [content] = await core.openRows({ key, rows: [{ aad: AAD, sealed }] });
  return content;
}

/** Follows an identity. */
async function succeed(core: LocalCryptoCore, former?: OpenedKeystore): Promise<OpenedKeystore> {
  const { phrase } = await core.createSuccessor();
  const { key } = await core.openSuccessor({ phrase });
  const made = await core.succeedKeystore({
    successor: key,
    cost: COST,
    ...(former === undefined ? {} : { former: former.keystore }),
  });
  return await core.openKeystore(made);
}

Deno.test("after a succession former rows still open, and new ones are sealed under the new root", async () => {
  const core = await LocalCryptoCore.create();
  const first = await createKeys(core);
  const old = await sealOne(core, await keyOf(core, first.storage));
  const second = await succeed(core, first);
  const key = await keyOf(core, second.storage);
  assertEquals(await openOne(core, key, old), CONTENT);
  const fresh = await sealOne(core, key);
  assertEquals([old[3], fresh[3]], [1, 2], "the roots' numbers");
  assertEquals(await openOne(core, await keyOf(core, first.storage), fresh), null);
  const alone = await succeed(core);
  assertEquals(await openOne(core, await keyOf(core, alone.storage), old), null);
  await core.stop();
});

Deno.test("a keystore keeps sixteen storage roots, and their numbers go on", async () => {
  const core = await LocalCryptoCore.create();
  let keys = await createKeys(core);
  const rows = [await sealOne(core, await keyOf(core, keys.storage))];
  for (let round = 0; round < 16; round++) {
    keys = await succeed(core, keys);
    rows.push(await sealOne(core, await keyOf(core, keys.storage)));
  }
  const key = await keyOf(core, keys.storage);
  const opened = await Promise.all(rows.map((sealed) => openOne(core, key, sealed)));
  assertEquals(opened, [null, ...Array(16).fill(CONTENT)]);
  assertEquals(rows.map((sealed) => sealed[3]), Array.from({ length: 17 }, (_, at) => at + 1));
  await core.stop();
});

Deno.test("opening a keystore of the former form makes a root, and seals it at the former cost", async () => {
  const core = await LocalCryptoCore.create();
  const opened = await core.openKeystore({ sealed: FORMER_KEYSTORE, secret: formerSecret() });
  assert(opened.resealed !== null);
  assertEquals(
    opened.resealed.subarray(0, 16),
    Uint8Array.from([
      ...encodeUtf8("ORKEYS02"),
      ...FORMER_KEYSTORE.subarray(8, 16),
    ]),
  );
  const again = await core.openKeystore({ sealed: opened.resealed, secret: formerSecret() });
  assertEquals(again.resealed, null);
  assertEquals(again.nodeId, opened.nodeId);
  const publicKeys = (keys: OpenedKeystore) => keys.noiseKeys.map(({ publicKey }) => publicKey);
  assertEquals(publicKeys(again), publicKeys(opened));
  const sealed = await sealOne(core, await keyOf(core, opened.storage));
  assertEquals(await openOne(core, await keyOf(core, again.storage), sealed), CONTENT);
  const other = await core.openKeystore({ sealed: FORMER_KEYSTORE, secret: formerSecret() });
  assertEquals(await openOne(core, await keyOf(core, other.storage), sealed), null);
  await core.stop();
});

Deno.test("addNoiseKey() keeps the storage roots", async () => {
  const core = await LocalCryptoCore.create();
  const keys = await createKeys(core);
  const row = await sealOne(core, await keyOf(core, keys.storage));
  const secret = () => encodeUtf8("a node secret");
  const options = { keystore: keys.keystore, secret: secret(), cost: COST };
  const { sealed } = await core.addNoiseKey(options);
  const again = await core.openKeystore({ sealed, secret: secret() });
  assertEquals(await openOne(core, await keyOf(core, again.storage), row), CONTENT);
  await core.stop();
});

Deno.test("a row opens with the key of its module and salt only", async () => {
  const core = await LocalCryptoCore.create();
  const { storage } = await createKeys(core);
  const key = await keyOf(core, storage);
  const sealed = await sealOne(core, key);
  assertEquals(sealed.length, CONTENT.length + 32);
  assertNotEquals(sealed, await sealOne(core, key), "a nonce of its own each time");
  assertEquals(await openOne(core, await keyOf(core, storage), sealed), CONTENT);
  assertEquals(await openOne(core, await keyOf(core, storage, "messaginh"), sealed), null);
  const salted = await core.deriveModuleKey({
    storage,
    module: "messaging",
    salt: repeated(8, 16),
  });
  assertEquals(await openOne(core, salted, sealed), null);
  const stranger = await createKeys(core);
  assertEquals(await openOne(core, await keyOf(core, stranger.storage), sealed), null);
  await core.release(key);
  const gone = await assertRejects(() => openOne(core, key, sealed), CryptoError);
  assertEquals(gone.code, "key_unknown");
  await core.stop();
});

Deno.test("deriveModuleKey() refuses names and salts of another form", async () => {
  const core = await LocalCryptoCore.create();
  const { storage, vault } = await createKeys(core);
  const good = { storage, module: "messaging", salt: SALT };
  const wrong = [
    { module: "ab" },
    { module: "Messaging" },
    { module: "1messaging" },
    { module: "a".repeat(33) },
    { module: "messaging\n" },
    { module: 5 as unknown as string },
    { salt: repeated(9, 15) },
    { salt: "salt" as unknown as Uint8Array },
    { storage: vault },
  ];
  for (const change of wrong) {
    const error = await assertRejects(
      () => core.deriveModuleKey({ ...good, ...change }),
      CryptoError,
    );
    assertEquals(error.code, "bad_argument");
  }
  await core.deriveModuleKey({ ...good, module: "a".repeat(32) });
  await core.stop();
});
