/**
 * Remembers which signed texts verified, so that no signature is verified twice.
 *
 * @module
 * @see docs/PROTOCOL.md, "Cache"
 */
import { checkText } from "../primitives/checks.ts";
import { CryptoError, type JwsType } from "../interface.ts";
import { verifyJws, type VerifySignature } from "../primitives/jws.ts";

const MAX_REMEMBERED = 4096;
const MAX_JWS_LENGTH = 2 ** 16;

/** Verifies JWS texts, keeping the last used that held, up to {@linkcode MAX_REMEMBERED}. */
export class VerifiedJws {
  readonly #verify: VerifySignature;
  /** The texts themselves, and not what they are read as: each time that is read anew, which a digest would cost as well. */
  readonly #remembered = new Set<string>();

  constructor(verify: VerifySignature) {
    this.#verify = verify;
  }

  /** @throws {CryptoError} `bad_signature`. */
  verify({ text, typ }: { text: string; typ: JwsType }): { iss: string; payload: string } {
    checkText(typ, 64, "a type");
    if (typeof text !== "string" || text.length > MAX_JWS_LENGTH) {
      throw new CryptoError("bad_signature", "The JWS is too long");
    }
    const verify = this.#remembered.has(text) ? () => true : this.#verify;
    const verified = verifyJws({ text, typ, verify });
    this.#remember(text);
    return verified;
  }

  clear(): void {
    this.#remembered.clear();
  }

  #remember(text: string): void {
    this.#remembered.delete(text);
    this.#remembered.add(text);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#remembered) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}
