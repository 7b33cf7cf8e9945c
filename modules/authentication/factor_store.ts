/**
 * The owner's factors, kept sealed.
 *
 * @module
 */
import * as v from "valibot";
import { decodeUtf8, encodeBase64Url, encodeUtf8 } from "../../crypto/encoding.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { FactorCounts, FactorKind } from "../../protocol/sign_in_api.ts";
import type { ModuleContext } from "../api.ts";

const PREFIX = "factor/";
const ID_BYTES = 9;
const MAX_PASSKEYS = 32;
/** Passkeys, one of each other kind, and what a crash left of one that was replaced. */
const MAX_ROWS = 64;

const common = {
  id: v.string(),
  name: v.string(),
  created_at: v.number(),
  used_at: v.nullable(v.number()),
};

const factorSchema = v.variant("kind", [
  v.strictObject({
    ...common,
    kind: v.literal("passkey"),
    /** As the browser names it. */
    credential: v.string(),
    public_key: v.string(),
    counter: v.number(),
    transports: v.array(v.string()),
    /** The host that it belongs to. */
    host: v.string(),
  }),
  v.strictObject({
    ...common,
    kind: v.literal("totp"),
    /** Base32. */
    secret: v.string(),
    /** The last step whose code was taken. */
    step: v.number(),
  }),
  v.strictObject({ ...common, kind: v.literal("password"), salt: v.string(), hash: v.string() }),
  v.strictObject({ ...common, kind: v.literal("recovery"), hashes: v.array(v.string()) }),
]);

export type Factor = v.InferOutput<typeof factorSchema>;
export type FactorOf<K extends FactorKind> = Extract<Factor, { readonly kind: K }>;
type Unnamed<F> = F extends Factor ? Omit<F, "id" | "created_at" | "used_at"> : never;

type Parts = Pick<ModuleContext, "clock" | "random" | "storage">;

/** All of them. */
export class FactorStore {
  readonly #parts: Parts;
  readonly #factors = new Map<string, Factor>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws {RangeError} Where one does not open. */
  async load(): Promise<void> {
    const { storage } = this.#parts;
    const rows = await storage.range({ prefix: PREFIX, limit: MAX_ROWS });
    const opened = await storage.open(
      rows.map(({ key, value }) => ({ aad: encodeUtf8(key), sealed: value })),
    );
    for (const content of opened) {
      if (content === null) throw new RangeError("A factor does not open");
      const factor = parseInput(factorSchema, parseJson(decodeUtf8(content)));
      this.#factors.set(factor.id, factor);
    }
  }

  /** Beginning with the one enrolled first. */
  get all(): readonly Factor[] {
    return [...this.#factors.values()].sort((a, b) => a.created_at - b.created_at);
  }

  of<K extends FactorKind>(kind: K): FactorOf<K>[] {
    return this.all.filter((factor): factor is FactorOf<K> => factor.kind === kind);
  }

  get size(): number {
    return this.#factors.size;
  }

  /** @throws {OpenRedError} `overloaded` where one more would be too many: of passkeys alone there are several. */
  checkRoom(kind: FactorKind): void {
    if (kind !== "passkey" || this.of(kind).length < MAX_PASSKEYS) return;
    throw new OpenRedError("overloaded", `There are ${MAX_PASSKEYS} passkeys; remove some`);
  }

  /** @throws {OpenRedError} As {@linkcode checkRoom}. */
  async add(factor: Unnamed<Factor>): Promise<Factor> {
    this.checkRoom(factor.kind);
    const id = encodeBase64Url(this.#parts.random.bytes(ID_BYTES));
    const created_at = this.#parts.clock.nowMs();
    const whole = { ...factor, id, created_at, used_at: null } as Factor;
    await this.put(whole);
    return whole;
  }

  /** It counts at once, so that nothing is taken twice meanwhile, and resolves when it is durable. */
  async put(factor: Factor): Promise<void> {
    this.#factors.set(factor.id, factor);
    const key = PREFIX + factor.id;
    const content = encodeUtf8(JSON.stringify(factor));
    const [sealed] = await this.#parts.storage.seal([{ aad: encodeUtf8(key), content }]);
    // It may have been removed, or put anew, in between.
    if (this.#factors.get(factor.id) === factor) await this.#parts.storage.put(key, sealed!);
  }

  async remove(id: string): Promise<void> {
    this.#factors.delete(id);
    await this.#parts.storage.delete(PREFIX + id);
  }

  /** Puts one that was shown just now; one that was removed meanwhile stays so. */
  async used(factor: Factor): Promise<void> {
    if (!this.#factors.has(factor.id)) return;
    await this.put({ ...factor, used_at: this.#parts.clock.nowMs() });
  }

  counts(): FactorCounts {
    return {
      passkey: this.of("passkey").length,
      totp: this.of("totp").length > 0,
      password: this.of("password").length > 0,
      recovery: this.of("recovery").reduce((sum, { hashes }) => sum + hashes.length, 0),
    };
  }
}
