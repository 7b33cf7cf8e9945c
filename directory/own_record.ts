/**
 * The directory's own record: signed at every start, and again before it expires.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../crypto/encoding.ts";
import { CRYPTO_METHODS, type CryptoCore, type OpenedKeystore } from "../crypto/interface.ts";
import type { Clock } from "../ports/ports.ts";
import { CLOCK_ALLOWANCE_MS, MAX_RECORD_LIFE_S } from "../protocol/limits.ts";
import type { DirectoryConfig } from "./config.ts";
import type { DirectoryStore } from "./stores/store.ts";

/** What nodes were given must stay fresh for them long enough, so it is signed anew at this age. */
const REFRESH_AGE_MS = 6 * 3600 * 1000;

/** The name under which the store keeps the last `seq` that was signed. */
export const LAST_SEQ = "last_seq";

interface RecordParts {
  readonly ports: {
    readonly crypto: CryptoCore;
    readonly clock: Clock;
    readonly store: DirectoryStore;
  };
  readonly config: Pick<DirectoryConfig, "url">;
  readonly keys: OpenedKeystore;
}

interface SignedRecord {
  readonly text: string;
  readonly seq: number;
}

/** Signs, holds and renews the directory's record. */
export class OwnRecord {
  readonly #parts: RecordParts;
  #current: SignedRecord;

  private constructor(parts: RecordParts, first: SignedRecord) {
    this.#parts = parts;
    this.#current = first;
  }

  /** Signs the first record of this run. */
  static async sign(parts: RecordParts): Promise<OwnRecord> {
    return new OwnRecord(parts, await signRecord(parts));
  }

  get id(): NodeId {
    return this.#parts.keys.nodeId as NodeId;
  }

  /** The record's JWS. */
  get text(): string {
    return this.#current.text;
  }

  /** When the record was signed, in milliseconds. */
  get seq(): number {
    return this.#current.seq;
  }

  get apiUrl(): string {
    return this.#parts.config.url;
  }

  /** base64url, 32 bytes. */
  get noiseKey(): string {
    return encodeBase64Url(this.#parts.keys.noiseKeys[0]!.publicKey);
  }

  get keys(): OpenedKeystore {
    return this.#parts.keys;
  }

  /** Signs anew if the record has aged, or the clock was set back behind it. */
  async renewIfDue(): Promise<void> {
    const ageMs = this.#parts.ports.clock.nowMs() - this.#current.seq;
    if (ageMs < REFRESH_AGE_MS && ageMs > -CLOCK_ALLOWANCE_MS) return;
    this.#current = await signRecord(this.#parts);
  }
}

/**
 * The next `seq`, stored before it is signed. What was signed while the clock ran ahead was refused
 * by everybody and does not count.
 */
async function takeSeq(clock: Clock, store: DirectoryStore): Promise<number> {
  for (;;) {
    const nowMs = clock.nowMs();
    const stored = await store.getOwn(LAST_SEQ);
    const last = Number(stored ?? 0);
    const seq = last > nowMs + CLOCK_ALLOWANCE_MS ? nowMs : Math.max(nowMs, last + 1);
    // Another process of this directory may have taken it.
    if (await store.swapOwn(LAST_SEQ, stored, String(seq))) return seq;
  }
}

async function signRecord({ ports, config, keys }: RecordParts): Promise<SignedRecord> {
  const seq = await takeSeq(ports.clock, ports.store);
  const iat = Math.floor(seq / 1000);
  const payload = {
    v: 3,
    iss: keys.nodeId,
    seq,
    iat,
    exp: iat + MAX_RECORD_LIFE_S,
    api_url: config.url,
    noise_key: encodeBase64Url(keys.noiseKeys[0]!.publicKey),
    suites: [],
    methods: [...CRYPTO_METHODS],
    services: ["directory"],
  };
  const text = await ports.crypto.signJws({
    key: keys.identity,
    typ: "openred-record+jwt",
    payload: JSON.stringify(payload),
  });
  return { text, seq };
}
