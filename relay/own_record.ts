/**
 * The record of a relay of its own: signed at every start, and again before it expires.
 *
 * @module
 */
import { decodeUtf8, encodeBase64Url, encodeUtf8, type NodeId } from "../crypto/encoding.ts";
import type { CryptoCore, OpenedKeystore } from "../crypto/interface.ts";
import { RELAY_SEQ_FILE } from "../ports/data_names.ts";
import type { Clock, Files } from "../ports/ports.ts";
import { CLOCK_ALLOWANCE_MS, MAX_RECORD_LIFE_S } from "../protocol/limits.ts";

/** Looked at so often, it is signed anew once it is this old. */
const LOOK_EVERY_MS = 15 * 60_000;
const REFRESH_AGE_MS = 6 * 3_600_000;

export interface OwnRecordParts {
  readonly crypto: Pick<CryptoCore, "signJws">;
  readonly clock: Clock;
  readonly files: Files;
  readonly keys: OpenedKeystore;
  readonly url: string;
}

/** Signs, holds and renews it. */
export class OwnRecord {
  readonly id: NodeId;
  readonly #parts: OwnRecordParts;
  #text = "";
  #seq = 0;
  #cancelTimer = () => {};

  private constructor(parts: OwnRecordParts) {
    this.#parts = parts;
    this.id = parts.keys.nodeId as NodeId;
  }

  /** Signs the first record of this run. @param failed Told of what hinders a later one. */
  static async start(parts: OwnRecordParts, failed: (error: unknown) => void): Promise<OwnRecord> {
    const record = new OwnRecord(parts);
    await record.#sign();
    record.#look(failed);
    return record;
  }

  /** The record's JWS. */
  get text(): string {
    return this.#text;
  }

  stop(): void {
    this.#cancelTimer();
  }

  #look(failed: (error: unknown) => void): void {
    this.#cancelTimer = this.#parts.clock.setTimer(LOOK_EVERY_MS, () => {
      const ageMs = this.#parts.clock.nowMs() - this.#seq;
      const isDue = ageMs >= REFRESH_AGE_MS || ageMs <= -CLOCK_ALLOWANCE_MS;
      if (isDue) this.#sign().catch(failed);
      this.#look(failed);
    });
  }

  /** The next `seq`, stored before it is signed. One from a time when the clock ran ahead does not count. */
  async #takeSeq(): Promise<number> {
    const { clock, files } = this.#parts;
    const stored = await files.read(RELAY_SEQ_FILE);
    const last = stored === null ? 0 : Number(decodeUtf8(stored));
    const nowMs = clock.nowMs();
    const isAhead = !Number.isSafeInteger(last) || last > nowMs + CLOCK_ALLOWANCE_MS;
    const seq = isAhead ? nowMs : Math.max(nowMs, last + 1);
    await files.write(RELAY_SEQ_FILE, encodeUtf8(String(seq)));
    return seq;
  }

  async #sign(): Promise<void> {
    const { crypto, keys, url } = this.#parts;
    const seq = await this.#takeSeq();
    const iat = Math.floor(seq / 1000);
    const payload = JSON.stringify({
      v: 3,
      iss: this.id,
      seq,
      iat,
      exp: iat + MAX_RECORD_LIFE_S,
      api_url: url,
      noise_key: encodeBase64Url(keys.noiseKeys[0]!.publicKey),
      suites: [],
      methods: [],
      services: ["relay"],
    });
    this.#text = await crypto.signJws({ key: keys.identity, typ: "openred-record+jwt", payload });
    this.#seq = seq;
  }
}
