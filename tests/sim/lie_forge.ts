/**
 * Makes well-formed pairs that tell what a lying directory wants them to.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { CryptoCore, OpenedKeystore } from "../../crypto/interface.ts";
import { PAIR_LIFE_MS } from "../../protocol/limits.ts";
import type { VirtualProcess } from "./virtual_process.ts";

interface Party {
  readonly id: string;
  readonly record: string;
  readonly noiseKey: Uint8Array;
}

export interface ForgedPair {
  readonly pairId: Uint8Array;
  readonly issuedAt: number;
  /** Signed halves. */
  readonly a: string;
  readonly b: string;
  /** The half of b under two signatures that differ. */
  readonly bTexts: readonly string[];
}

interface Wish {
  readonly a: Party;
  readonly b: Party;
  /** How long ago it was issued. */
  readonly ageMs?: number;
  /** Whom the inside names as issuer. */
  readonly issuer?: string;
  readonly isTwice?: boolean;
}

export class LieForge {
  readonly #crypto: CryptoCore;
  readonly #keystore: OpenedKeystore;
  readonly #process: VirtualProcess;
  #record: { readonly text: string; readonly madeMs: number } | null = null;

  constructor(parts: { crypto: CryptoCore; keystore: OpenedKeystore; process: VirtualProcess }) {
    this.#crypto = parts.crypto;
    this.#keystore = parts.keystore;
    this.#process = parts.process;
  }

  /** The directory's own record, which is true. */
  async ownRecord(): Promise<string> {
    const nowMs = this.#process.clock.nowMs();
    if (this.#record !== null && nowMs - this.#record.madeMs < 3_600_000) return this.#record.text;
    const iat = Math.floor(nowMs / 1000);
    const text = await this.#sign("openred-record+jwt", {
      v: 3,
      iss: this.#keystore.nodeId,
      seq: nowMs,
      iat,
      exp: iat + 86_400,
      api_url: this.#process.host.origin,
      noise_key: encodeBase64Url(this.#keystore.noiseKeys[0]!.publicKey),
      suites: [],
      methods: ["alpha", "beta", "gamma", "delta"],
      services: ["directory"],
    });
    this.#record = { text, madeMs: nowMs };
    return text;
  }

  async pair(wish: Wish): Promise<ForgedPair> {
    const issuedAt = this.#process.clock.nowMs() - (wish.ageMs ?? 0);
    const issued = await this.#crypto.issuePair({
      noiseKey: this.#keystore.noiseKeys[0]!.key,
      issuer: wish.issuer ?? this.#keystore.nodeId,
      method: "alpha",
      epoch: Math.floor(issuedAt / 3_600_000),
      issuedAt,
      expiresAt: issuedAt + PAIR_LIFE_MS,
      a: wish.a,
      b: wish.b,
    });
    const { pairId } = issued;
    const half = (aud: string, noise: Uint8Array, more = {}) =>
      this.#sign("openred-pair+jwt", {
        v: 3,
        iss: this.#keystore.nodeId,
        aud,
        pair_id: encodeBase64Url(pairId),
        iat: Math.floor(issuedAt / 1000),
        exp: Math.floor((issuedAt + PAIR_LIFE_MS) / 1000),
        noise: encodeBase64Url(noise),
        ...more,
      });
    const b = await half(wish.b.id, issued.noiseB);
    const bTexts = wish.isTwice ? [b, await half(wish.b.id, issued.noiseB, { again: true })] : [b];
    return { pairId, issuedAt, a: await half(wish.a.id, issued.noiseA), b, bTexts };
  }

  async connectionAnswer(pair: ForgedPair): Promise<Record<string, unknown>> {
    return {
      pair_id: encodeBase64Url(pair.pairId),
      method: "alpha",
      epoch: Math.floor(pair.issuedAt / 3_600_000),
      issued_at: pair.issuedAt,
      expires_at: pair.issuedAt + PAIR_LIFE_MS,
      delivered: false,
      envelope: pair.a,
      directory: await this.ownRecord(),
    };
  }

  #sign(
    typ: "openred-record+jwt" | "openred-pair+jwt",
    payload: Record<string, unknown>,
  ): Promise<string> {
    const key = this.#keystore.identity;
    return this.#crypto.signJws({ key, typ, payload: JSON.stringify(payload) });
  }
}
