/**
 * Token pairs: issue, and match at both ends.
 *
 * @module
 */
import { randomFillSync } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import { Hashes, type TokenHashes } from "../crypto/primitives/hashes.ts";
import { CRYPTO_METHODS } from "../crypto/interface.ts";
import { generateAsymmetricTokens, type PairContext, tokensMatch } from "../crypto/pairs/tokens.ts";
import { createNobleHashes } from "./noble_hashes.ts";
import { printAim, printNote, printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, perCpuSecond, perSecond, rateOf, ratiosOf } from "./statistics.ts";

const ISSUED_AT = 1_790_000_000_000;
const LIFE_MS = 300_000;
const ISSUER = "z6MkvRXNYcE7MMduynWTgeKbDaT1iijDSC8pZqXZc8rHPrf2";
const ID_A = "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX";
const ID_B = "z6Mko9hTggMwjSTEaJaPUfE6tqcy2xvU6BnNq3e3o8qVBiyH";

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return randomFillSync(new Uint8Array(length));
}

/** One pair from fresh secrets, and both nodes' check of what the other shows. */
function createPairRun(hashes: TokenHashes): () => number {
  let count = 0;
  const secrets = { key: randomBytes(32), saltA: randomBytes(32), saltB: randomBytes(32) };
  return () => {
    // A counter instead of fresh random bytes: where those come from is not what is measured.
    count += 1;
    new DataView(secrets.key.buffer).setUint32(0, count);
    const pair: PairContext = {
      issuer: ISSUER,
      pairId: secrets.key.slice(0, 16),
      idA: ID_A,
      idB: ID_B,
      method: CRYPTO_METHODS[count % CRYPTO_METHODS.length]!,
      issuedAt: ISSUED_AT,
      expiresAt: ISSUED_AT + LIFE_MS,
    };
    const made = generateAsymmetricTokens(hashes, pair, secrets);
    const { tokenA, tokenB, saltA, saltB, check } = made;
    const atB = { peerToken: tokenA, peerSalt: saltA, peerRole: "initiator", check } as const;
    const atA = { peerToken: tokenB, peerSalt: saltB, peerRole: "responder", check } as const;
    if (tokensMatch(hashes, pair, atB) === null || tokensMatch(hashes, pair, atA) === null) {
      throw new Error("The tokens of a pair do not match");
    }
    return 1;
  };
}

/**
 * One JWT with the claims of a pair, signed and verified.
 * @param key A secret's 32 bytes, as jose's documentation shows it, or a key imported once.
 */
function createJoseRun(key: CryptoKey | Uint8Array): () => Promise<number> {
  const nowSec = Math.floor(Date.now() / 1000);
  return async () => {
    const text = await new SignJWT({ pair_id: "EBAQEBAQEBAQEBAQEBAQEA", method: "alpha" })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer(ISSUER).setSubject(ID_A).setAudience(ID_B)
      .setIssuedAt(nowSec).setExpirationTime(nowSec + 3_600)
      .sign(key);
    await jwtVerify(text, key, { issuer: ISSUER, audience: ID_B, algorithms: ["HS256"] });
    return 1;
  };
}

function importHmacKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", secret, algorithm, false, ["sign", "verify"]);
}

async function run({ rounds, sampleMs }: Settings): Promise<void> {
  const secret = randomBytes(32);
  const pairOfCore = createPairRun(await Hashes.create());
  const pairOfNoble = createPairRun(createNobleHashes());
  const jwt = createJoseRun(secret);
  const jwtImported = createJoseRun(await importHmacKey(secret));
  const samples = await interleave(rounds, {
    core: () => rateOf(pairOfCore, sampleMs),
    jose: () => rateOf(jwt, sampleMs),
    joseImported: () => rateOf(jwtImported, sampleMs),
    noble: () => rateOf(pairOfNoble, sampleMs),
  });
  const core = perSecond(samples.core);
  const jose = perSecond(samples.jose);
  const joseImported = perSecond(samples.joseImported);
  const noble = perSecond(samples.noble);
  printTitle("tokens", "issue a pair and match it at both ends, one thread");
  printAim("crypto core", core, { unit: "pairs/s", aim: { atLeast: 20_000 } });
  printSamples("crypto core, by processor time", perCpuSecond(samples.core), {
    unit: "pairs/CPU s",
  });
  printSamples("same construction over @noble/hashes", noble, { unit: "pairs/s" });
  printSamples("jose HS256, sign + verify, secret as bytes", jose, { unit: "tokens/s" });
  printSamples("jose HS256, sign + verify, imported key", joseImported, { unit: "tokens/s" });
  const ratio = { unit: "×", digits: 1 };
  const aim = { aim: { atLeast: 4 } };
  printAim("crypto core ÷ jose, secret as bytes", ratiosOf(core, jose), { ...ratio, ...aim });
  printSamples("crypto core ÷ jose, imported key", ratiosOf(core, joseImported), ratio);
  printSamples("crypto core ÷ @noble/hashes", ratiosOf(core, noble), ratio);
  printNote("a pair is two tokens, each undone and checked at the other end; jose's is one JWT");
}

/** Token pairs against JWTs, and against the same construction in pure JavaScript. */
export const tokens: Benchmark = { name: "tokens", run };
