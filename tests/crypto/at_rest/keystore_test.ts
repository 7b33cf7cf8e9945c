import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { type Aead, createAeads } from "../../../crypto/primitives/aead.ts";
import type { CoreParts } from "../../../crypto/keyring/core_parts.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { argon2id, Hashes } from "../../../crypto/primitives/hashes.ts";
import { CryptoError } from "../../../crypto/interface.ts";
import {
  costOfKeystore,
  deriveVaultKey,
  sealKeystore,
  unsealKeystore,
} from "../../../crypto/at_rest/keystore.ts";
import { createSecretCalls, sealSecret } from "../../../crypto/at_rest/sealed_secret.ts";
import { sealBox } from "../../../crypto/at_rest/stretched_box.ts";
import { repeated, toHex } from "../../vectors/read_vectors.ts";
import { CHEAP_COST } from "../../world/cores.ts";
import { FORMER_CONTENT, FORMER_KEYSTORE, formerSecret } from "./former_keystore.ts";

const CONTENT = {
  seed: repeated(1),
  noiseKeys: [repeated(2), repeated(3)],
  storage: [{ number: 7, bytes: repeated(4) }, { number: 2 ** 32 - 1, bytes: repeated(5) }],
};
const SECRET = encodeUtf8("correct horse");
const HEAD_BYTES = 44;

function createParts() {
  return {
    aeads: createAeads(),
    random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    stretch: argon2id,
  };
}

async function assertUnsealFails(sealed: Uint8Array, secret = SECRET): Promise<void> {
  const error = await assertRejects(
    () => unsealKeystore(createParts(), { sealed, secret }),
    CryptoError,
  );
  assertEquals(error.code, "unseal_failed");
}

Deno.test("unsealKeystore() gives back what sealKeystore() sealed", async () => {
  const parts = createParts();
  const sealed = await sealKeystore(parts, { content: CONTENT, secret: SECRET, cost: CHEAP_COST });
  assertEquals(await unsealKeystore(parts, { sealed, secret: SECRET }), CONTENT);
  await assertUnsealFails(sealed, encodeUtf8("correct horsf"));
  assertEquals(costOfKeystore(sealed), CHEAP_COST);
});

Deno.test("unsealKeystore() gives back as much as a keystore may hold", async () => {
  const parts = createParts();
  const full = {
    seed: repeated(1),
    noiseKeys: Array.from({ length: 16 }, (_, at) => repeated(at)),
    storage: Array.from({ length: 16 }, (_, at) => ({ number: 16 - at, bytes: repeated(at) })),
  };
  const sealed = await sealKeystore(parts, { content: full, secret: SECRET, cost: CHEAP_COST });
  assertEquals(await unsealKeystore(parts, { sealed, secret: SECRET }), full);
});

Deno.test("unsealKeystore() opens a keystore of the former form, which has no storage root", async () => {
  const options = { sealed: FORMER_KEYSTORE, secret: formerSecret() };
  const content = await unsealKeystore(createParts(), options);
  assertEquals(content, { ...FORMER_CONTENT, storage: [] });
  assertEquals(costOfKeystore(FORMER_KEYSTORE), CHEAP_COST);
});

Deno.test("sealKeystore() costs 64 MiB and 3 passes unless told otherwise", async () => {
  const costs: number[][] = [];
  const parts = createParts();
  const stretch: typeof argon2id = (options) => {
    costs.push([options.memoryKiB, options.passes]);
    return argon2id({ ...options, ...CHEAP_COST });
  };
  const sealed = await sealKeystore({ ...parts, stretch }, { content: CONTENT, secret: SECRET });
  await unsealKeystore({ ...parts, stretch }, { sealed, secret: SECRET });
  assertEquals(costs, [[65_536, 3], [65_536, 3]]);
});

Deno.test("unsealKeystore() opens no keystore with a flipped bit", async () => {
  const parts = createParts();
  const sealed = await sealKeystore(parts, { content: CONTENT, secret: SECRET, cost: CHEAP_COST });
  // A flipped bit in the cost could ask for a gigabyte; those are tried without Argon2id.
  const stretch = () => Promise.resolve(repeated(0));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 8 * sealed.length - 1 }), async (bit) => {
      const damaged = sealed.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const isCost = bit >> 3 >= 8 && bit >> 3 < 16;
      const error = await assertRejects(
        () =>
          unsealKeystore(isCost ? { ...parts, stretch } : parts, {
            sealed: damaged,
            secret: SECRET,
          }),
        CryptoError,
      );
      assertEquals(error.code, "unseal_failed");
    }),
  );
});

Deno.test("unsealKeystore() refuses silly costs without computing", async () => {
  const parts = createParts();
  const sealed = await sealKeystore(parts, { content: CONTENT, secret: SECRET, cost: CHEAP_COST });
  for (const [memoryKiB, passes] of [[2 ** 20 + 1, 1], [7, 1], [8, 0], [8, 33], [2 ** 32 - 1, 1]]) {
    const planted = sealed.slice();
    const view = new DataView(planted.buffer);
    view.setUint32(8, memoryKiB!);
    view.setUint32(12, passes!);
    let stretched = 0;
    const stretch = () => Promise.resolve(repeated(++stretched));
    const error = await assertRejects(
      () => unsealKeystore({ ...parts, stretch }, { sealed: planted, secret: SECRET }),
      CryptoError,
    );
    assertEquals([error.code, stretched], ["unseal_failed", 0]);
  }
});

Deno.test("unsealKeystore() refuses truncated, extended and foreign bytes", async () => {
  const sealed = await sealKeystore(createParts(), {
    content: CONTENT,
    secret: SECRET,
    cost: CHEAP_COST,
  });
  await assertUnsealFails(new Uint8Array(0));
  await assertUnsealFails(sealed.subarray(0, HEAD_BYTES));
  await assertUnsealFails(sealed.subarray(0, sealed.length - 1));
  await assertUnsealFails(new Uint8Array([...sealed, 0]));
  await assertUnsealFails(new Uint8Array(2 ** 16));
  const wrong: readonly [string, number, number][] = [
    ["ORKEYS01", 64 + 1, 0],
    ["ORKEYS01", 18 * 32, 0],
    ["ORKEYS02", 1 + 64, 0],
    ["ORKEYS02", 1 + 64, 2],
    ["ORKEYS02", 1 + 64 + 35, 1],
    ["ORKEYS02", 1 + 18 * 32, 17],
    ["ORKEYS02", 1 + 64 + 17 * 36, 1],
    ["ORKEYS02", 1 + 17 * 32 + 17 * 36, 16],
    ["ORKEYS03", 1 + 64, 1],
  ];
  for (const [magic, length, noiseKeys] of wrong) {
    const plain = new Uint8Array(length);
    plain[0] = noiseKeys;
    const box = { magic, secret: SECRET, plain, cost: CHEAP_COST };
    await assertUnsealFails(await sealBox(createParts(), box));
  }
});

Deno.test("sealKeystore() refuses costs and secrets outside its limits", async () => {
  const parts = createParts();
  const refused = [
    { secret: SECRET, cost: { memoryKiB: 2 ** 20 + 1, passes: 1 } },
    { secret: SECRET, cost: { memoryKiB: 8.5, passes: 1 } },
    { secret: SECRET, cost: { memoryKiB: 8, passes: 0 } },
    { secret: new Uint8Array(0), cost: CHEAP_COST },
    { secret: new Uint8Array(1025), cost: CHEAP_COST },
  ];
  for (const options of refused) {
    const error = await assertRejects(
      () => sealKeystore(parts, { content: CONTENT, ...options }),
      CryptoError,
    );
    assertEquals(error.code, "bad_argument");
  }
  await sealKeystore(parts, { content: CONTENT, secret: new Uint8Array(1024), cost: CHEAP_COST });
});

Deno.test("sealing and opening wipe the key, and every copy of what is inside", async () => {
  const parts = createParts();
  const secrets: Uint8Array[] = [];
  const { aes256Gcm } = parts.aeads;
  const watched = {
    ...parts,
    aeads: { ...parts.aeads, aes256Gcm: watchAead(aes256Gcm, secrets) },
  } as unknown as CoreParts;
  const sealed = await sealKeystore(watched, {
    content: CONTENT,
    secret: SECRET,
    cost: CHEAP_COST,
  });
  assertEquals(await unsealKeystore(watched, { sealed, secret: SECRET }), CONTENT);
  const { resealSecret } = createSecretCalls(watched);
  const passphrase = encodeUtf8("old");
  const box = await sealSecret(parts as unknown as CoreParts, {
    secret: repeated(5),
    passphrase,
    cost: CHEAP_COST,
  });
  const newPassphrase = encodeUtf8("new");
  await resealSecret({ sealed: box, passphrase, newPassphrase, cost: CHEAP_COST });
  assertEquals(secrets.length, 8);
  for (const bytes of secrets) assertEquals(bytes, new Uint8Array(bytes.length));
});

/** Notes each key, and each array that something was sealed from or opened into. */
function watchAead(aead: Aead, secrets: Uint8Array[]): Aead {
  return {
    ...aead,
    seal: (key, nonce, aad, plain) => {
      secrets.push(key, plain);
      return aead.seal(key, nonce, aad, plain);
    },
    open: (key, nonce, aad, box) => {
      const plain = aead.open(key, nonce, aad, box);
      secrets.push(key, plain!);
      return plain;
    },
  };
}

Deno.test("deriveVaultKey() is HKDF-SHA256 without salt", async () => {
  const native = await crypto.subtle.deriveBits(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: new Uint8Array(0),
      info: new Uint8Array([0, 0, 0, 16, ...encodeUtf8("openred/v3/vault")]),
    },
    await crypto.subtle.importKey("raw", SECRET, "HKDF", false, ["deriveBits"]),
    256,
  );
  const hashes = await Hashes.create();
  const extract = hashes.hkdfExtract.bind(hashes);
  let between = repeated(1);
  hashes.hkdfExtract = (...options) => between = extract(...options) as Uint8Array<ArrayBuffer>;
  const derived = deriveVaultKey(hashes, SECRET);
  assertEquals(toHex(derived), toHex(new Uint8Array(native)));
  assertEquals(between, new Uint8Array(32), "what it is expanded from is wiped");
  assert(derived.length === 32);
});
