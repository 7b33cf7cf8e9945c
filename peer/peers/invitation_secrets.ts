/**
 * The secrets of invitations at rest: sealed, so that a copy of `node.db` lets nobody in.
 *
 * @module
 */
import { enc, encodeUtf8 } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../../crypto/interface.ts";
import { OpenRedError } from "../../protocol/errors.ts";

/** No module can have this name; the salt is as long as those of modules. */
const KEY = { module: "core", salt: encodeUtf8("core-invitations") };

/** Whose secret it is: of one's own invitations, or what somebody else gave. */
export type SecretOf = "own" | "held";

/** Seals and opens secrets of 16 bytes. */
export class InvitationSecrets {
  readonly #crypto: Pick<CryptoCore, "deriveModuleKey" | "sealRows" | "openRows">;
  readonly #storage: KeyRef;
  #key: Promise<KeyRef> | null = null;

  constructor(
    crypto: Pick<CryptoCore, "deriveModuleKey" | "sealRows" | "openRows">,
    storage: KeyRef,
  ) {
    this.#crypto = crypto;
    this.#storage = storage;
  }

  /** @param whose With `id`, an invitation's: it opens under the same alone. */
  async seal(secret: Uint8Array, whose: SecretOf, id: string): Promise<Uint8Array> {
    const rows = [{ aad: enc("invitation", whose, id), content: secret }];
    const [sealed] = await this.#crypto.sealRows({ key: await this.#keyRef(), rows });
    return sealed!;
  }

  /** @throws {OpenRedError} `internal` for what does not open. */
  async open(
    sealed: Uint8Array,
    whose: SecretOf,
    id: string,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const rows = [{ aad: enc("invitation", whose, id), sealed }];
    const [secret] = await this.#crypto.openRows({ key: await this.#keyRef(), rows });
    if (secret == null) throw new OpenRedError("internal", "An invitation does not open");
    return Uint8Array.from(secret);
  }

  #keyRef(): Promise<KeyRef> {
    this.#key ??= this.#crypto.deriveModuleKey({
      ...KEY,
      storage: this.#storage,
      salt: KEY.salt.slice(),
    });
    return this.#key;
  }
}
