/**
 * The owner's password (Argon2id), where somebody wants one.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { ModuleContext } from "../api.ts";
import type { FactorOf } from "./factor_store.ts";
import { isSame } from "./secrets.ts";

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MAX_WAITING = 4;
const RETRY_MS = 2_000;

type Parts = Pick<ModuleContext, "random" | "passwords">;

/** Stretches one password at a time: each takes memory and a while. */
export class OwnerPasswords {
  readonly #parts: Parts;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async make(password: string): Promise<{ readonly salt: string; readonly hash: string }> {
    const salt = encodeBase64Url(this.#parts.random.bytes(SALT_BYTES));
    return { salt, hash: await this.#stretch(password, salt) };
  }

  /** Takes as long where there is no password. */
  async isRight(factor: FactorOf<"password"> | undefined, password: string): Promise<boolean> {
    const { random } = this.#parts;
    const salt = factor?.salt ?? encodeBase64Url(random.bytes(SALT_BYTES));
    const hash = factor?.hash ?? encodeBase64Url(random.bytes(HASH_BYTES));
    return isSame(await this.#stretch(password, salt), hash);
  }

  /** @throws {OpenRedError} `overloaded` where others wait already. */
  async #stretch(password: string, salt: string): Promise<string> {
    if (this.#waiting >= MAX_WAITING) {
      throw new OpenRedError("overloaded", "Other passwords are being checked", {
        retryAfterMs: RETRY_MS,
      });
    }
    this.#waiting += 1;
    const turn = this.#last.then(() =>
      this.#parts.passwords!.stretch(encodeUtf8(password), decodeBase64Url(salt)!)
    );
    this.#last = turn.catch(() => undefined);
    try {
      return encodeBase64Url(await turn);
    } finally {
      this.#waiting -= 1;
    }
  }
}
