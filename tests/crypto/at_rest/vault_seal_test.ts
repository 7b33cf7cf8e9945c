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
  const vault = ring.add(new VaultKey(repeated(1)));
  return { ring, plains, vault, calls: createVaultCalls(parts) };
}

function seal(plain: Uint8Array): string {
  const nonce = new Uint8Array(12);
  const sealed = aes256Gcm.seal(repeated(1), nonce, encodeUtf8(NAME), plain);
  return Buffer.from(concatBytes(nonce, sealed)).toString("base64");
}

function encodeSet(...halves: readonly Uint8Array[]): Uint8Array {
  return enc("openred/v3/vault-set", "a", "b", 1, 2, "{}", ...halves);
}

function halfOfSet(index: number, role: number): Uint8Array {
  const secrets = [repeated(2, 16), repeated(3), repeated(4), repeated(5)];
  return concatBytes(Uint8Array.of(index, role), ...secrets, encodeUtf8("alpha"));
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
    encodeSet(),
    encodeSet(halfOfSet(0, 2)),
    encodeSet(halfOfSet(16, 0)),
    encodeSet(halfOfSet(0, 0).slice(0, 114)),
    encodeSet(...Array.from({ length: 17 }, () => halfOfSet(0, 0))),
    enc("openred/v3/vault-set", "a", "b", 1),
    new Uint8Array(0),
  ];
  const set = encodeSet(halfOfSet(0, 0), halfOfSet(3, 1));
  const known = [encodeHalf("initiator"), set, enc("openred/v3/vault-note", "x")];
  const lines = [...others, ...known].map((plain) => ({ name: NAME, sealed: seal(plain) }));
  const opened = await calls.openLines({ vault, lines });
  assertEquals(opened.map((line) => line?.meta ?? null), [
    ...others.map(() => null),
    "{}",
    "{}",
    "x",
  ]);
  const halves = opened.at(-2)!.halves.map(({ info, index }) => [index, info.role, info.idA]);
  assertEquals(halves, [[0, "initiator", "a"], [3, "responder", "b"]]);
});

Deno.test("sealing and opening a line leave nothing of it behind", async () => {
  const { calls, ring, vault, plains } = setUp();
  const lines = [{ name: NAME, sealed: seal(encodeHalf("initiator")) }];
  const [line] = await calls.openLines({ vault, lines });
  const { half } = line!.halves[0]!;
  const set = [{ half, index: 1 }];
  await calls.sealLines({ vault, lines: [{ name: NAME, half, meta: "{}" }] });
  const [sealed = ""] = await calls.sealLines({ vault, lines: [{ name: NAME, set, meta: "{}" }] });
  const [opened] = await calls.openLines({ vault, lines: [{ name: NAME, sealed }] });
  assertEquals(plains.length, 4);
  const ofSet = plains.pop()!;
  for (const plain of plains) assertEquals(plain, new Uint8Array(plain.length));
  // The secrets of a set lie where it was opened, as long as its halves are held.
  const secrets = () => [3, 4, 5].filter((byte) => ofSet.join().includes(repeated(byte).join()));
  assertEquals(secrets(), [3, 4, 5]);
  ring.release(opened!.halves[0]!.half);
  assertEquals(secrets(), []);
});
