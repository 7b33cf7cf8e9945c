/**
 * What the operator does with the keys of a directory.
 *
 * @module
 */
import type * as v from "valibot";
import {
  type adminKeysQuerySchema,
  type keyInputSchema,
  type KeyMade,
  type keyRevokeSchema,
  type KeysPage,
  type KeyView,
  MAX_KEYS_A_PAGE,
} from "../protocol/directory_admin.ts";
import { DIRECTORY_KEY_BYTES, formatDirectoryKey } from "../protocol/directory_key.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { secretId } from "../protocol/shown_secret.ts";
import { judgeKey } from "./key_judging.ts";
import type { DirectoryParts } from "./parts.ts";
import type { StoredKey } from "./stores/store.ts";

export type KeysParts = Pick<DirectoryParts, "clock" | "config" | "log" | "random" | "store">;

function viewOf(key: StoredKey, nowMs: number): KeyView {
  const refusal = judgeKey({ ...key, isUser: false }, nowMs);
  return {
    key_id: key.keyId,
    state: refusal === null || refusal === "unknown" ? "valid" : refusal,
    uses: key.uses,
    used: key.used,
    made_at: key.madeAt,
    expires_at: key.expiresAt,
    note: key.note,
  };
}

/** Makes, lists and revokes keys. */
export class KeysDesk {
  readonly #parts: KeysParts;

  constructor(parts: KeysParts) {
    this.#parts = parts;
  }

  async list({ after }: v.InferOutput<typeof adminKeysQuerySchema>): Promise<KeysPage> {
    const { clock, config, store } = this.#parts;
    const keys = await store.listKeys({ after: after ?? "", limit: MAX_KEYS_A_PAGE });
    const nowMs = clock.nowMs();
    const last = keys.length < MAX_KEYS_A_PAGE ? undefined : keys.at(-1);
    return {
      keys: keys.map((key) => viewOf(key, nowMs)),
      next: last?.keyId ?? null,
      invite_only: config.inviteOnly === true,
    };
  }

  async add(
    { uses, expires_ms, note }: v.InferOutput<typeof keyInputSchema>,
  ): Promise<KeyMade> {
    const { clock, log, random, store } = this.#parts;
    const madeAt = clock.nowMs();
    let secret: Uint8Array<ArrayBuffer>;
    let keyId: string;
    do {
      secret = random.bytes(DIRECTORY_KEY_BYTES);
      keyId = await secretId(secret);
      // A word that begins so is an option to a command line.
    } while (keyId.startsWith("-"));
    const expiresAt = expires_ms === null ? null : madeAt + expires_ms;
    const made = { keyId, secret, madeAt, expiresAt, uses, note };
    await store.addKey(made);
    log.log("info", "key_made", { key: keyId, uses });
    const view = viewOf({ ...made, revokedAt: null, used: 0 }, madeAt);
    return { ...view, key: formatDirectoryKey(secret) };
  }

  async revoke({ key_id: keyId }: v.InferOutput<typeof keyRevokeSchema>): Promise<KeyView> {
    const { clock, log, store } = this.#parts;
    const nowMs = clock.nowMs();
    if (await store.revokeKey(keyId, nowMs)) log.log("info", "key_revoked", { key: keyId });
    const key = await store.findKey(keyId, "");
    if (key === null) throw new OpenRedError("not_found", "There is no such key");
    return viewOf(key, nowMs);
  }
}
