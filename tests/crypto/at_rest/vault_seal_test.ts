import { Buffer } from "node:buffer";
import { assertEquals } from "@std/assert";
import { type Aead, createAeads } from "../../../crypto/primitives/aead.ts";
import type { CoreParts } from "../../../crypto/keyring/core_parts.ts";
import { concatBytes, enc, encodeUtf8 } from "../../../crypto/encoding.ts";
import { Keyring, VaultKey } from "../../../crypto/keyring/keyring.ts";
import { createVaultCalls } from "../../../crypto/at_rest/vault_seal.ts";
import { repeated } from "../../vectors/read_vectors.ts";

const NAME = "LINE";
const { aes256Gcm } = createAeads();

function setUp() {
  const plains: Uint8Array[] = [];
  const watched: Aead = {
    ...aes256Gcm,
    seal: (key, nonce, aad, plain) => {
      plains.push(plain);
      return aes256Gcm.seal(key, nonce, aad, plain);
    },
    open: (...options) => {
      const plain = aes256Gcm.open(...options);
      if (plain !== null) plains.push(plain);
      return plain;
    },
  };
  const ring = new Keyring();
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const parts = { ring, random, aeads: { aes256Gcm: watched } } as unknown as CoreParts;
  return { plains, vault: ring.add(new VaultKey(repeated(1))), calls: createVaultCalls(parts) };
}

function seal(plain: Uint8Array): string {
  const nonce = new Uint8Array(12);
  const sealed = aes256Gcm.seal(repeated(1), nonce, encodeUtf8(NAME), plain);
  return Buffer.from(concatBytes(nonce, sealed)).toString("base64");
}

function encodeHalf(role: string, ...more: string[]): Uint8Array {
  const about = ["peer", repeated(2, 16), "a", "b", "alpha", 1, 2, role] as const;
  const secrets = [repeated(3), repeated(4), repeated(5)];
  return enc("openred/v3/vault-half", ...about, ...secrets, "{}", ...more);
}

Deno.test("openLines() opens none of what another version of the program may have sealed", async () => {
  const { calls, vault } = setUp();
  const others = [
    encodeHalf("witness"),
    encodeHalf("initiator", "more"),
    encodeHalf("initiator").slice(0, -1),
    enc("openred/v4/vault-note", "x"),
    enc("openred/v3/vault-half"),
    new Uint8Array(0),
  ];
  const known = [encodeHalf("initiator"), enc("openred/v3/vault-note", "x")];
  const lines = [...others, ...known].map((plain) => ({ name: NAME, sealed: seal(plain) }));
  const opened = await calls.openLines({ vault, lines });
  assertEquals(opened.map((line) => line?.meta ?? null), [...others.map(() => null), "{}", "x"]);
});

Deno.test("sealing and opening a line leave nothing of it behind", async () => {
  const { calls, vault, plains } = setUp();
  const lines = [{ name: NAME, sealed: seal(encodeHalf("initiator")) }];
  const [line] = await calls.openLines({ vault, lines });
  await calls.sealHalf({ vault, half: line!.half!, name: NAME, meta: "{}" });
  assertEquals(plains.length, 2);
  for (const plain of plains) assertEquals(plain, new Uint8Array(plain.length));
});
