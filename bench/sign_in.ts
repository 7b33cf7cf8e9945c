/**
 * What a guess at the console takes: right and wrong, with such a factor and without.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { PASSWORD_COST } from "../crypto/interface.ts";
import { argon2id } from "../crypto/primitives/hashes.ts";
import type { ModuleContext } from "../modules/api.ts";
import { FactorCheck } from "../modules/authentication/factor_check.ts";
import { FactorStore } from "../modules/authentication/factor_store.ts";
import type { Passkeys } from "../modules/authentication/passkeys.ts";
import { Guesses } from "../modules/authentication/guesses.ts";
import { OwnerPasswords } from "../modules/authentication/passwords.ts";
import { systemClock } from "../ports/system.ts";
import { hasCode } from "../protocol/errors.ts";
import type { GivenFactor } from "../protocol/sign_in_api.ts";
import { printSamples, printTitle } from "./report.ts";
import type { Benchmark, Settings } from "./settings.ts";
import { interleave, ratiosOf, usedCpuMs } from "./statistics.ts";

const PASSWORD = "correct horse battery";
const CODES = 200;

/** Rows that are kept nowhere. */
const storage = {
  get: () => Promise.resolve(null),
  put: () => Promise.resolve(),
  seal: (rows: readonly unknown[]) => Promise.resolve(rows.map(() => new Uint8Array())),
} as unknown as ModuleContext["storage"];

const parts = {
  storage,
  clock: systemClock,
  random: { bytes: (length: number) => new Uint8Array(randomBytes(length)) },
  signatures: null,
  passwords: {
    stretch: (secret: Uint8Array, salt: Uint8Array) =>
      argon2id({ ...PASSWORD_COST, secret, salt, length: 32 }),
  },
};

async function createCheck(hasFactors: boolean): Promise<FactorCheck> {
  const store = new FactorStore(parts);
  const passwords = new OwnerPasswords(parts);
  if (hasFactors) {
    const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    await store.add({ kind: "password", name: "", ...await passwords.make(PASSWORD) });
    await store.add({ kind: "totp", name: "", secret, step: 0 });
  }
  // No passkey is shown.
  const passkeys = {} as Passkeys;
  return new FactorCheck({ ...parts, store, passwords, passkeys, guesses: new Guesses(parts) });
}

/** Milliseconds of processor time of one guess, each from a browser that never tried before. */
async function guessMs(check: FactorCheck, given: GivenFactor, times: number): Promise<number> {
  const before = usedCpuMs();
  for (let time = 0; time < times; time += 1) {
    const guesser = crypto.randomUUID();
    await check.check({ given, guesser, origin: null, purpose: "sign-in" }).catch((error) => {
      if (!hasCode(error, "factor_wrong")) throw error;
    });
  }
  return (usedCpuMs() - before) / times;
}

async function run({ rounds }: Settings): Promise<void> {
  const [having, without] = [await createCheck(true), await createCheck(false)];
  const wrong = { password: "a wrong password" };
  const code = { totp: "000000" };
  const samples = await interleave(rounds, {
    right: () => guessMs(having, { password: PASSWORD }, 1),
    wrong: () => guessMs(having, wrong, 1),
    none: () => guessMs(without, wrong, 1),
    wrongCode: () => guessMs(having, code, CODES),
    noApp: () => guessMs(without, code, CODES),
  });
  const ratio = { unit: "×", digits: 2 };
  printTitle("sign_in", "one guess at the console");
  printSamples("a wrong password", samples.wrong, { unit: "ms CPU" });
  printSamples("the right one ÷ a wrong one", ratiosOf(samples.right, samples.wrong), ratio);
  printSamples("without a password ÷ with one", ratiosOf(samples.none, samples.wrong), ratio);
  printSamples("a wrong code", samples.wrongCode, { unit: "ms CPU", digits: 3 });
  printSamples("without an app ÷ with one", ratiosOf(samples.noApp, samples.wrongCode), ratio);
}

export const signIn: Benchmark = { name: "sign_in", isOptional: true, run };
