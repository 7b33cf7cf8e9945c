import { assertEquals, assertRejects } from "@std/assert";
import { HOTP } from "otpauth";
import { FactorCheck } from "../../../modules/authentication/factor_check.ts";
import { FactorStore } from "../../../modules/authentication/factor_store.ts";
import { Guesses } from "../../../modules/authentication/guesses.ts";
import { Passkeys } from "../../../modules/authentication/passkeys.ts";
import { OwnerPasswords } from "../../../modules/authentication/passwords.ts";
import { WebauthnChallenges } from "../../../modules/authentication/webauthn_challenges.ts";
import type { ModuleContext, Passwords } from "../../../modules/api.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import type { GivenFactor } from "../../../protocol/sign_in_api.ts";
import { ContextWorld } from "../../world/module_context.ts";
import { codeOf } from "./authenticator_app.ts";

const SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PASSWORD = "correct horse battery";
const GUESSES: Readonly<Record<string, GivenFactor>> = {
  password: { password: "a wrong password" },
  code: { totp: "000000" },
  recovery: { recovery: "aaaa-bbbb-cccc-dddd" },
};

/** How many codes were computed. */
let codes = 0;
const { generate } = HOTP;
HOTP.generate = (given) => {
  codes += 1;
  return generate.call(HOTP, given);
};

/** Stretches nothing: how often it is asked to is what counts. */
const QUICK: Passwords = {
  stretch: (password) => Promise.resolve(new Uint8Array(32).fill(password.length)),
};

/** How often each costly thing is done. */
class Work {
  #counts: Record<string, number> = {};

  /** An object whose methods are counted, under its name and theirs. */
  counted<T extends object>(name: string, object: T): T {
    return new Proxy(object, {
      get: (target, key) => {
        const value = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => {
          this.add(`${name}.${String(key)}`);
          return value.apply(target, given);
        };
      },
    });
  }

  add(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  /** What was done since, the codes of apps included. */
  take(): Record<string, number> {
    const counts = { ...this.#counts, ...(codes === 0 ? {} : { codes }) };
    this.#counts = {};
    codes = 0;
    return counts;
  }
}

class Checking implements Disposable {
  readonly work = new Work();
  readonly store: FactorStore;
  readonly #check: FactorCheck;

  constructor(readonly world: ContextWorld, context: ModuleContext) {
    const { work } = this;
    const parts: ModuleContext = {
      ...context,
      storage: work.counted("storage", context.storage),
      passwords: work.counted("passwords", QUICK),
      signatures: work.counted("signatures", context.signatures!),
    };
    this.store = new FactorStore(parts);
    const challenges = new WebauthnChallenges(parts);
    this.#check = new FactorCheck({
      ...parts,
      store: this.store,
      guesses: new Guesses(parts),
      passkeys: new Passkeys({ ...parts, store: this.store, challenges }),
      passwords: new OwnerPasswords(parts),
    });
  }

  static async create(): Promise<Checking> {
    const world = await ContextWorld.create();
    const { context } = await world.contextOf({ name: "authentication" });
    return new Checking(world, context);
  }

  /** What an owner has who has everything. */
  async enrol(): Promise<void> {
    const { store, world } = this;
    const passwords = new OwnerPasswords({ random: world.parts.random, passwords: QUICK });
    await store.add({ kind: "totp", name: "phone", secret: SECRET, step: 0 });
    await store.add({ kind: "password", name: "", ...await passwords.make(PASSWORD) });
    await store.add({ kind: "recovery", name: "", hashes: Array(10).fill("x".repeat(43)) });
    this.work.take();
  }

  /** Shows something. @returns What was done for it. */
  async show(given: GivenFactor, guesser: string | null): Promise<Record<string, number>> {
    await this.#check.check({ given, guesser, origin: null, purpose: "sign-in" });
    return this.work.take();
  }

  async guess(given: GivenFactor, guesser: string | null): Promise<Record<string, number>> {
    const error = await assertRejects(() => this.show(given, guesser), OpenRedError);
    assertEquals(error.code, "factor_wrong");
    return this.work.take();
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
  }
}

Deno.test("A wrong guess takes the same work whether or not there is such a factor, from any browser alike", async () => {
  using none = await Checking.create();
  using all = await Checking.create();
  await all.enrol();
  for (const [kind, guess] of Object.entries(GUESSES)) {
    for (const guesser of [null, "a browser that is known"]) {
      const [without, having] = [await none.guess(guess, guesser), await all.guess(guess, guesser)];
      assertEquals([kind, guesser, without], [kind, guesser, having]);
    }
  }
  assertEquals(await all.guess(GUESSES.password!, "another one"), { "passwords.stretch": 1 });
  assertEquals(await all.guess(GUESSES.code!, "another one"), { codes: 3 });
});

Deno.test("What is right costs what is wrong does, and is written down besides", async () => {
  using all = await Checking.create();
  await all.enrol();
  const totp = await codeOf(SECRET, all.world.parts.clock.nowMs());
  all.work.take();
  for (
    const [given, guess] of [[{ password: PASSWORD }, GUESSES.password!], [
      { totp },
      GUESSES.code!,
    ]] as const
  ) {
    const wrong = await all.guess(guess, "a browser");
    const { "storage.seal": seal, "storage.put": put, ...right } = await all.show(
      given,
      "a browser",
    );
    assertEquals([right, seal, put], [wrong, 1, 1]);
  }
});

Deno.test("A link's secret is compared as a hash, whether or not there is a link", async () => {
  using world = await ContextWorld.create();
  const { context } = await world.contextOf({ name: "authentication" });
  const work = new Work();
  const signatures = work.counted("signatures", context.signatures!);
  const { OneTimeLink } = await import("../../../modules/authentication/one_time_link.ts");
  const link = new OneTimeLink({ ...context, signatures });
  const secret = "A".repeat(43);
  assertEquals([await link.spend(secret), work.take()], [null, { "signatures.sha256": 1 }]);
  await link.make("owner");
  work.take();
  assertEquals([await link.spend(secret), work.take()], [null, { "signatures.sha256": 1 }]);
});
