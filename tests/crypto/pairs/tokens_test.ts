import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ed25519PublicKey } from "../../../crypto/primitives/curves.ts";
import { encodeNodeId } from "../../../crypto/encoding.ts";
import { Hashes } from "../../../crypto/primitives/hashes.ts";
import { CRYPTO_METHODS } from "../../../crypto/interface.ts";
import {
  generateAsymmetricTokens,
  type PairContext,
  type TokenMatch,
  tokensMatch,
} from "../../../crypto/pairs/tokens.ts";
import fixed from "../../vectors/tokens.json" with { type: "json" };
import { repeated, toHex } from "../../vectors/read_vectors.ts";

const hashes = await Hashes.create();

function idOf(seedByte: number): string {
  return encodeNodeId(ed25519PublicKey(repeated(seedByte)));
}

const fixedPair: PairContext = {
  issuer: idOf(3),
  pairId: repeated(0x10, 16),
  idA: idOf(1),
  idB: idOf(2),
  method: "alpha",
  issuedAt: fixed.issuedAt,
  expiresAt: fixed.expiresAt,
};
const fixedSecrets = { key: repeated(0xaa), saltA: repeated(0xa1), saltB: repeated(0xb2) };

Deno.test("generateAsymmetricTokens() gives the fixed values of every method", () => {
  for (const expected of fixed.pairs) {
    const tokens = generateAsymmetricTokens(
      hashes,
      { ...fixedPair, method: expected.method },
      fixedSecrets,
    );
    assertEquals(toHex(tokens.tokenA), expected.tokenA);
    assertEquals(toHex(tokens.tokenB), expected.tokenB);
    if (expected.root !== undefined) assertEquals(toHex(tokens.root), expected.root);
    if (expected.check !== undefined) assertEquals(toHex(tokens.check), expected.check);
  }
});

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const issued = fc.record({
  pair: fc.record({
    issuer: fc.constantFrom("peer", idOf(3)),
    pairId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    idA: fc.constantFrom(idOf(1), idOf(4)),
    idB: fc.constantFrom(idOf(2), idOf(5)),
    method: fc.constantFrom(...CRYPTO_METHODS),
    issuedAt: fc.maxSafeNat(),
    expiresAt: fc.maxSafeNat(),
  }),
  secrets: fc.record({ key: bytes32, saltA: bytes32, saltB: bytes32 }),
});

Deno.test("tokensMatch() opens the peer's token at both ends and yields the root", () => {
  fc.assert(fc.property(issued, ({ pair, secrets }) => {
    const { tokenA, tokenB, saltA, saltB, check, root } = generateAsymmetricTokens(
      hashes,
      pair,
      secrets,
    );
    const atB = { peerToken: tokenA, peerSalt: saltA, peerRole: "initiator", check } as const;
    const atA = { peerToken: tokenB, peerSalt: saltB, peerRole: "responder", check } as const;
    assertEquals(tokensMatch(hashes, pair, atB), root);
    assertEquals(tokensMatch(hashes, pair, atA), root);
    // A token shown back to the one it was given to, or under the other role, is of no use.
    assertEquals(tokensMatch(hashes, pair, { ...atA, peerToken: tokenA }), null);
    assertEquals(tokensMatch(hashes, pair, { ...atB, peerRole: "responder" }), null);
  }));
});

Deno.test("generateAsymmetricTokens() never makes equal tokens, or one that is the root", () => {
  fc.assert(
    fc.property(issued, ({ pair, secrets }) => {
      // Equal salts and ids are the worst case: only the variant differs.
      const worst = { ...pair, idB: pair.idA };
      const tokens = generateAsymmetricTokens(hashes, worst, { ...secrets, saltB: secrets.saltA });
      const { tokenA, tokenB, root } = tokens;
      assertNotEquals(toHex(tokenA), toHex(tokenB));
      assertNotEquals(toHex(tokenA), toHex(root));
      assertNotEquals(toHex(tokenB), toHex(root));
    }),
    { numRuns: 300 },
  );
});

function flippedBytes(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}

function flippedText(text: string, bit: number): string {
  const at = bit >> 3;
  const flipped = String.fromCharCode(text.charCodeAt(at) ^ 1 << (bit & 7));
  return text.slice(0, at) + flipped + text.slice(at + 1);
}

function flippedInteger(value: number, bit: number): number {
  return Number(BigInt(value) ^ 1n << BigInt(bit));
}

/** Every way to flip one bit of what tokensMatch() is given at the responder. */
function* flips(pair: PairContext, match: TokenMatch): Generator<[PairContext, TokenMatch]> {
  for (const name of ["peerToken", "peerSalt", "check"] as const) {
    for (let bit = 0; bit < 256; bit++) {
      yield [pair, { ...match, [name]: flippedBytes(match[name], bit) }];
    }
  }
  for (let bit = 0; bit < 128; bit++) {
    yield [{ ...pair, pairId: flippedBytes(pair.pairId, bit) }, match];
  }
  for (const name of ["issuer", "idA", "idB"] as const) {
    for (let bit = 0; bit < 8 * pair[name].length; bit++) {
      yield [{ ...pair, [name]: flippedText(pair[name], bit) }, match];
    }
  }
  for (const name of ["issuedAt", "expiresAt"] as const) {
    for (let bit = 0; bit < 53; bit++) {
      yield [{ ...pair, [name]: flippedInteger(pair[name], bit) }, match];
    }
  }
}

Deno.test("tokensMatch() refuses one flipped bit anywhere in token, salt, check, id or time", () => {
  for (const method of CRYPTO_METHODS) {
    const pair = { ...fixedPair, method };
    const tokens = generateAsymmetricTokens(hashes, pair, fixedSecrets);
    const { check } = tokens;
    for (const peerRole of ["initiator", "responder"] as const) {
      const [peerToken, peerSalt] = peerRole === "initiator"
        ? [tokens.tokenA, tokens.saltA]
        : [tokens.tokenB, tokens.saltB];
      const match = { peerToken, peerSalt, peerRole, check };
      assertNotEquals(tokensMatch(hashes, pair, match), null);
      for (const [otherPair, otherMatch] of flips(pair, match)) {
        assertEquals(tokensMatch(hashes, otherPair, otherMatch), null);
      }
    }
  }
});

Deno.test("tokensMatch() refuses another method, and tokens and checks of a wrong length", () => {
  const { tokenA, saltA, check } = generateAsymmetricTokens(hashes, fixedPair, fixedSecrets);
  const match = { peerToken: tokenA, peerSalt: saltA, peerRole: "initiator", check } as const;
  assertEquals(tokensMatch(hashes, { ...fixedPair, method: "beta" }, match), null);
  assertEquals(tokensMatch(hashes, fixedPair, { ...match, peerToken: tokenA.slice(1) }), null);
  assertEquals(tokensMatch(hashes, fixedPair, { ...match, check: check.slice(1) }), null);
  assertEquals(tokensMatch(hashes, fixedPair, { ...match, check: new Uint8Array(0) }), null);
});

Deno.test("generateAsymmetricTokens() refuses secrets and pair ids of a wrong length", () => {
  const short = repeated(1, 31);
  for (const name of ["key", "saltA", "saltB"] as const) {
    assertThrows(
      () => generateAsymmetricTokens(hashes, fixedPair, { ...fixedSecrets, [name]: short }),
      RangeError,
    );
  }
  assertThrows(
    () => generateAsymmetricTokens(hashes, { ...fixedPair, pairId: short }, fixedSecrets),
    RangeError,
  );
});
