/**
 * Challenges of passkeys. They are not kept before they are answered, so that nobody can push those of others out.
 *
 * @module
 */
import { concatBytes, decodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { isMac, MAC_BYTES, makeMac } from "../../protocol/shown_secret.ts";
import type { ModuleContext } from "../api.ts";

const LIFE_MS = 5 * 60_000;
const NONCE_BYTES = 16;
const TIME_BYTES = 8;

/** Makes challenges and takes each once. */
export class WebauthnChallenges {
  readonly #parts: Pick<ModuleContext, "clock" | "random">;
  readonly #key: Uint8Array<ArrayBuffer>;
  /** Those that were taken, with their ends. */
  readonly #taken = new Map<string, number>();

  constructor(parts: Pick<ModuleContext, "clock" | "random">) {
    this.#parts = parts;
    this.#key = parts.random.bytes(MAC_BYTES);
  }

  /** @param purpose What the answer is for. */
  async make(purpose: string): Promise<Uint8Array<ArrayBuffer>> {
    const { clock, random } = this.#parts;
    const body = new Uint8Array(NONCE_BYTES + TIME_BYTES);
    body.set(random.bytes(NONCE_BYTES));
    new DataView(body.buffer).setFloat64(NONCE_BYTES, clock.monotonicMs() + LIFE_MS);
    return concatBytes(body, await makeMac(this.#key, about(body, purpose)));
  }

  /** @returns Whether it was made for this purpose, is not over and was never taken; then it is. */
  async take(text: string, purpose: string): Promise<boolean> {
    const challenge = decodeBase64Url(text);
    if (challenge?.length !== NONCE_BYTES + TIME_BYTES + MAC_BYTES) return false;
    const body = challenge.slice(0, NONCE_BYTES + TIME_BYTES);
    const mac = challenge.slice(body.length);
    const isOwn = await isMac(this.#key, { mac, content: about(body, purpose) });
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [other, overMs] of this.#taken) if (overMs <= nowMs) this.#taken.delete(other);
    const endMs = new DataView(body.buffer).getFloat64(NONCE_BYTES);
    if (!isOwn || endMs <= nowMs || this.#taken.has(text)) return false;
    this.#taken.set(text, endMs);
    return true;
  }
}

function about(body: Uint8Array, purpose: string): Uint8Array<ArrayBuffer> {
  return concatBytes(body, encodeUtf8(purpose));
}
