/**
 * Which URLs of others this node may call. What was found allowed is not resolved again for a minute.
 *
 * @module
 */
import type { Clock, Resolver } from "../../ports/ports.ts";
import { checkUrl } from "../../protocol/url_policy.ts";

const CHECKED_MS = 60_000;
const MAX_CHECKED = 1_000;

/** Checks URLs before they are called. */
export class CheckedUrls {
  readonly #clock: Clock;
  readonly #options: { readonly allowPrivate: boolean; readonly resolver: Resolver };
  readonly #checkedMs = new Map<string, number>();

  constructor(
    { clock, resolver }: { readonly clock: Clock; readonly resolver: Resolver },
    { allowPrivate }: { readonly allowPrivate: boolean },
  ) {
    this.#clock = clock;
    this.#options = { allowPrivate, resolver };
  }

  /** @throws {OpenRedError} As {@linkcode checkUrl}. */
  async check(url: string, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const checkedMs = this.#checkedMs.get(url);
    if (checkedMs !== undefined && nowMs - checkedMs < CHECKED_MS) return;
    await checkUrl(url, { ...this.#options, signal });
    if (this.#checkedMs.size >= MAX_CHECKED) this.#checkedMs.clear();
    this.#checkedMs.set(url, nowMs);
  }
}
