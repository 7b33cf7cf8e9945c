import { assertEquals, assertThrows } from "@std/assert";
import { DhKey, SigningKey } from "../../../crypto/primitives/curves.ts";
import { CryptoError, type KeyRef } from "../../../crypto/interface.ts";
import {
  type Held,
  IdentityKey,
  Keyring,
  NoiseKey,
  noiseKeysOf,
  VaultKey,
} from "../../../crypto/keyring/keyring.ts";
import { repeated } from "../../vectors/read_vectors.ts";

class Secret implements Held {
  wiped = 0;

  wipe(): void {
    this.wiped += 1;
  }
}

function codeOf(work: () => unknown): string {
  return assertThrows(work, CryptoError).code;
}

Deno.test("Keyring.release() wipes what the handle stood for, once, and forgets the handle", () => {
  const ring = new Keyring();
  const [released, kept] = [new Secret(), new Secret()];
  const ref = ring.add(released);
  ring.add(kept);
  ring.release(ref);
  ring.release(ref);
  assertEquals([released.wiped, kept.wiped, ring.size], [1, 0, 1]);
  assertEquals(codeOf(() => ring.get(ref, Secret)), "key_unknown");
});

Deno.test("Keyring.close() wipes everything, and what comes later at once", () => {
  const ring = new Keyring();
  const secrets = [new Secret(), new Secret(), new Secret()] as const;
  ring.add(secrets[0]);
  ring.add(secrets[1]);
  ring.close();
  assertEquals(codeOf(() => ring.add(secrets[2])), "core_failed");
  assertEquals(secrets.map(({ wiped }) => wiped), [1, 1, 1]);
  assertEquals(ring.size, 0);
});

Deno.test("held keys are of no use once wiped", () => {
  const vault = new VaultKey(repeated(1));
  const identity = new IdentityKey(SigningKey.fromSeed(repeated(2)));
  const noise = new NoiseKey(DhKey.fromPrivate(repeated(3)));
  for (const held of [vault, identity, noise]) held.wipe();
  assertEquals(vault.bytes, repeated(0));
  assertThrows(() => identity.key.sign(new Uint8Array()));
  assertThrows(() => noise.key.dh(noise.key.publicKey));
});

Deno.test("noiseKeysOf() takes one to 32 handles", () => {
  const ring = new Keyring();
  const ref = ring.add(new NoiseKey(DhKey.fromPrivate(repeated(3))));
  const refs = (length: number): KeyRef[] => Array.from({ length }, () => ref);
  assertEquals([1, 32].map((length) => noiseKeysOf(ring, refs(length)).length), [1, 32]);
  for (const length of [0, 33]) {
    assertEquals(codeOf(() => noiseKeysOf(ring, refs(length))), "bad_argument");
  }
});
