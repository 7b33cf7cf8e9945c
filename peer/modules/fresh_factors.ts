/**
 * Factors that callers' owners show before a module hears of a call.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { AskFactors } from "../../modules/api.ts";
import type { Clock } from "../../ports/ports.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import type { Requirement } from "../../protocol/factor_level.ts";

/** How long a factor counts for the same question, as at the console. */
const RECENT_MS = 5 * 60_000;
const MAX_REMEMBERED = 1_024;

export interface FreshFactorsParts {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** `null` while no module asks. */
  readonly askFactors: () => AskFactors | null;
}

/** What a module wants of the owner of a peer's node. */
export interface Demand extends Requirement {
  readonly module: string;
}

/** Asks, and remembers for a while who has shown what for what. */
export class FreshFactors {
  readonly #parts: FreshFactorsParts;
  readonly #asking = new Map<string, Promise<void>>();
  /** By question, with when it was answered; the oldest stands first. */
  readonly #shown = new Map<string, number>();

  constructor(parts: FreshFactorsParts) {
    this.#parts = parts;
  }

  /**
   * Resolves once the peer's owner has shown the factor, for this module and purpose, in the last five minutes. Calls
   * that come meanwhile wait for the same answer.
   * @throws {OpenRedError} `forbidden` where it was not shown; `rate_limited`, `unreachable`.
   */
  async require(peer: NodeId, demand: Demand): Promise<void> {
    const key = JSON.stringify([peer, demand.module, demand.level, demand.purpose]);
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [other, atMs] of this.#shown) {
      if (nowMs - atMs >= RECENT_MS) this.#shown.delete(other);
    }
    if (this.#shown.has(key)) return;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(peer, demand).then(() => this.#note(key));
      this.#asking.set(key, asking);
      const over = () => void this.#asking.delete(key);
      asking.then(over, over);
    }
    await asking;
  }

  #note(key: string): void {
    const [oldest] = this.#shown.keys();
    if (this.#shown.size >= MAX_REMEMBERED && oldest !== undefined) this.#shown.delete(oldest);
    this.#shown.set(key, this.#parts.clock.monotonicMs());
  }

  async #ask(peer: NodeId, demand: Demand): Promise<void> {
    const askFactors = this.#parts.askFactors();
    try {
      if (askFactors === null) throw new OpenRedError("unsupported", "Nothing here asks peers");
      await askFactors(peer, demand);
    } catch (cause) {
      if (hasCode(cause, "rate_limited", "unreachable", "overloaded")) throw cause;
      const text =
        `This asks your owner for a factor (${demand.level}), who has to let this node ` +
        "ask (permission auth) and show it";
      throw new OpenRedError("forbidden", text, { cause });
    }
  }
}
