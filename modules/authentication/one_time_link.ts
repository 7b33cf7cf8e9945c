/**
 * The one-time link that somebody with the shell opens the console by.
 *
 * @module
 */
import type { Role } from "../../protocol/sign_in_api.ts";
import type { ModuleContext } from "../api.ts";
import { hashSecret, isSame, makeSecret, type SecretParts } from "./secrets.ts";

const LIFE_MS = 60_000;

interface Link {
  readonly hash: string;
  readonly role: Role;
  readonly endMs: number;
  isUsed: boolean;
}

/** The newest link; it makes every former one void. */
export class OneTimeLink {
  readonly #parts: SecretParts & Pick<ModuleContext, "clock">;
  #link: Link | null = null;

  constructor(parts: SecretParts & Pick<ModuleContext, "clock">) {
    this.#parts = parts;
  }

  /** @param secret A fresh one unless given. */
  async make(
    role: Role,
    secret: string = makeSecret(this.#parts),
  ): Promise<{ readonly secret: string; readonly expiresAtMs: number }> {
    const { clock } = this.#parts;
    const hash = await hashSecret(this.#parts, secret);
    this.#link = { hash, role, endMs: clock.monotonicMs() + LIFE_MS, isUsed: false };
    return { secret, expiresAtMs: clock.nowMs() + LIFE_MS };
  }

  get state(): "none" | "waiting" | "used" | "over" {
    if (this.#link === null) return "none";
    if (this.#link.isUsed) return "used";
    return this.#parts.clock.monotonicMs() < this.#link.endMs ? "waiting" : "over";
  }

  /** @returns What it opens, once; `null` for any other secret, a former link's and one that is over. */
  async spend(secret: string): Promise<Role | null> {
    const hash = await hashSecret(this.#parts, secret);
    const link = this.#link;
    if (link === null || this.state !== "waiting" || !isSame(link.hash, hash)) return null;
    link.isUsed = true;
    return link.role;
  }
}
