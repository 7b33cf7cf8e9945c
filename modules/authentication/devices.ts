/**
 * The browsers that once signed in: each holds a cookie by which it is known again.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../../crypto/encoding.ts";
import type { ModuleContext } from "../api.ts";
import { hashSecret, makeSecret, type SecretParts } from "./secrets.ts";

const MAX_DEVICES = 64;
const PREFIX = "device/";

type Parts = SecretParts & Pick<ModuleContext, "clock" | "storage">;

/** All of them, by the hashes of their cookies. */
export class Devices {
  readonly #parts: Parts;
  readonly #seenAtMs = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async load(): Promise<void> {
    for (
      const { key, value } of await this.#parts.storage.range({ prefix: PREFIX, limit: 1_000 })
    ) {
      this.#seenAtMs.set(key.slice(PREFIX.length), Number(decodeUtf8(value)));
    }
  }

  /** Whether nobody ever signed in. */
  get isEmpty(): boolean {
    return this.#seenAtMs.size === 0;
  }

  /** @returns Which one it is; `null` for a browser that never signed in. */
  async find(cookies: readonly string[]): Promise<string | null> {
    for (const cookie of cookies) {
      const device = await hashSecret(this.#parts, cookie);
      if (this.#seenAtMs.has(device)) return device;
    }
    return null;
  }

  /** Has a browser known from now on; beyond 64 the one seen longest ago is forgotten. */
  async add(): Promise<{ readonly device: string; readonly cookie: string }> {
    const cookie = makeSecret(this.#parts);
    const device = await hashSecret(this.#parts, cookie);
    await this.note(device);
    const [oldest] = [...this.#seenAtMs].sort(([, one], [, other]) => one - other);
    if (oldest !== undefined && this.#seenAtMs.size > MAX_DEVICES) await this.#forget(oldest[0]);
    return { device, cookie };
  }

  /** It has signed in. */
  async note(device: string): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    this.#seenAtMs.set(device, nowMs);
    await this.#parts.storage.put(PREFIX + device, encodeUtf8(String(nowMs)));
  }

  async forgetAll(): Promise<void> {
    for (const device of [...this.#seenAtMs.keys()]) await this.#forget(device);
  }

  async #forget(device: string): Promise<void> {
    this.#seenAtMs.delete(device);
    await this.#parts.storage.delete(PREFIX + device);
  }
}
