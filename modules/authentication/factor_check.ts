/**
 * Whether a factor that somebody shows is one of the owner's.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { FactorKind, GivenFactor } from "../../protocol/sign_in_api.ts";
import type { ModuleContext } from "../api.ts";
import type { Factor, FactorStore } from "./factor_store.ts";
import type { Guesser, Guesses } from "./guesses.ts";
import type { Passkeys } from "./passkeys.ts";
import type { OwnerPasswords } from "./passwords.ts";
import { hashCode, withoutCode } from "./recovery_codes.ts";
import { stepOf } from "./totp.ts";

interface Parts extends Pick<ModuleContext, "clock" | "random" | "signatures"> {
  readonly store: FactorStore;
  readonly guesses: Guesses;
  readonly passkeys: Passkeys;
  readonly passwords: OwnerPasswords;
}

export interface Showing {
  readonly given: GivenFactor;
  readonly guesser: Guesser;
  /** Where a passkey was shown; `null` where none can be. */
  readonly origin: string | null;
  /** What the challenge of a passkey was made for. */
  readonly purpose: string;
}

/** A factor that was right. */
export interface Shown {
  readonly id: string;
  readonly kind: FactorKind;
}

/** An app none of whose codes is ever taken. */
const NO_APP = { secret: "A".repeat(32), step: Infinity };

/** Checks factors of every kind. */
export class FactorCheck {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * What a factor counts for once is used up before this resolves.
   * @throws {OpenRedError} `factor_wrong`; `rate_limited`, but never for a passkey: nobody guesses one.
   */
  async check({ given, guesser, origin, purpose }: Showing): Promise<Shown> {
    const { guesses, passkeys } = this.#parts;
    if ("passkey" in given) {
      if (origin === null) throw wrong();
      return await passkeys.check({ origin }, { purpose, response: given.passkey });
    }
    await guesses.take(guesser);
    const factor = await this.#find(given);
    if (factor === null) throw wrong();
    await guesses.forgive(guesser);
    return factor;
  }

  async #find(given: Exclude<GivenFactor, { passkey: unknown }>): Promise<Factor | null> {
    if ("password" in given) return await this.#password(given.password);
    if ("recovery" in given) return await this.#recovery(given.recovery);
    return await this.#totp(given.totp);
  }

  async #password(password: string): Promise<Factor | null> {
    const { store, passwords } = this.#parts;
    const [factor] = store.of("password");
    if (!await passwords.isRight(factor, password) || factor === undefined) return null;
    await store.used(factor);
    return factor;
  }

  /** It is used up in the turn of the look at it: two at once are not both right. */
  async #recovery(code: string): Promise<Factor | null> {
    const { store } = this.#parts;
    const hash = await hashCode(this.#parts, code);
    const [factor] = store.of("recovery");
    const left = factor === undefined ? null : withoutCode(factor, hash);
    if (left !== null) await store.used(left);
    return left;
  }

  /** As much is computed where there is no app. */
  async #totp(code: string): Promise<Factor | null> {
    const { store, clock } = this.#parts;
    const [factor] = store.of("totp");
    const { secret, step: after } = factor ?? NO_APP;
    const step = await stepOf(code, { secret, after, nowMs: clock.nowMs() });
    const [latest] = store.of("totp");
    if (step === null || latest?.id !== factor?.id || latest === undefined) return null;
    if (step <= latest.step) return null;
    await store.used({ ...latest, step });
    return latest;
  }
}

function wrong(): OpenRedError {
  return new OpenRedError("factor_wrong", "This is not one of the factors here");
}
