/**
 * Remembers which signed texts verified, so that none is verified twice.
 *
 * @module
 * @see docs/PROTOCOL.md, "Cache"
 */
import { Buffer } from "node:buffer";
import { checkText } from "../primitives/checks.ts";
import { enc } from "../encoding.ts";
import type { Hashes } from "../primitives/hashes.ts";
import { CryptoError, type JwsType } from "../interface.ts";
import { verifyJws, type VerifySignature } from "../primitives/jws.ts";

const MAX_REMEMBERED = 4096;
const MAX_JWS_LENGTH = 2 ** 16;

interface Verified {
  readonly iss: string;
  readonly payload: string;
}

/** Verifies JWS texts, keeping the last used that held, up to {@linkcode MAX_REMEMBERED}. */
export class VerifiedJws {
  readonly #hashes: Hashes;
  readonly #verify: VerifySignature;
  readonly #remembered = new Map<string, Verified>();

  constructor(hashes: Hashes, verify: VerifySignature) {
    this.#hashes = hashes;
    this.#verify = verify;
  }

  /** @throws {CryptoError} `bad_signature`. */
  verify(options: { text: string; typ: JwsType }): Verified {
    const { text, typ } = options;
    checkText(typ, 64, "a type");
    if (typeof text !== "string" || text.length > MAX_JWS_LENGTH) {
      throw new CryptoError("bad_signature", "The JWS is too long");
    }
    const name = Buffer.from(this.#hashes.sha256(enc(typ, text))).toString("latin1");
    const verified = this.#remembered.get(name) ?? verifyJws({
      text,
      typ,
      verify: this.#verify,
    });
    this.#remember(name, verified);
    return { ...verified };
  }

  clear(): void {
    this.#remembered.clear();
  }

  #remember(name: string, verified: Verified): void {
    this.#remembered.delete(name);
    this.#remembered.set(name, verified);
    if (this.#remembered.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}
