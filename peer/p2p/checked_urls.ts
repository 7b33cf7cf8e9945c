/**
 * Which URLs of others this node may call. What was found allowed is not resolved again for a minute.
 *
 * @module
 */
import type { Clock, Resolver } from "../../ports/ports.ts";
import { hasCode, OpenRedError } from "../../protocol/errors.ts";
import { checkUrl, checkUrlText } from "../../protocol/url_policy.ts";

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

  /** @throws {OpenRedError} As {@linkcode checkUrl}, with the option that allows the URL where there is one. */
  async check(url: string, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const checkedMs = this.#checkedMs.get(url);
    if (checkedMs !== undefined && nowMs - checkedMs < CHECKED_MS) return;
    await checkUrl(url, { ...this.#options, signal }).catch((error) => {
      throw withFlag(url, error);
    });
    if (this.#checkedMs.size >= MAX_CHECKED) this.#checkedMs.clear();
    this.#checkedMs.set(url, nowMs);
  }
}

/** A refusal names `--allow-private` where that option would take it away. */
function withFlag(url: string, error: unknown): unknown {
  if (!hasCode(error, "url_refused") || !isPlain(url)) return error;
  const text = `${error.message}; --allow-private lets this node call such addresses`;
  return new OpenRedError("url_refused", text, { cause: error });
}

/** Whether nothing is wrong with a URL but where it leads. */
function isPlain(url: string): boolean {
  try {
    checkUrlText(url, { allowPrivate: true });
    return true;
  } catch (error) {
    if (!hasCode(error, "url_refused")) throw error;
    return false;
  }
}
