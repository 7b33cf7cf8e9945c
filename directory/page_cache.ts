/**
 * Pages that were asked for a moment ago, as the text of their answer.
 *
 * @module
 */
import type { Clock } from "../ports/ports.ts";
import type { DirectoryStore } from "./stores/store.ts";

const MAX_PAGES = 200;

/** Leases end without any change of the store, so a page is good for no longer than this. */
const MAX_AGE_MS = 250;

interface Page {
  readonly text: string;
  readonly revision: number;
  readonly madeMs: number;
}

/** Keeps the text of each page until something in the store changes. */
export class PageCache {
  readonly #pages = new Map<string, Page>();
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #store: Pick<DirectoryStore, "revision">;

  constructor(clock: Pick<Clock, "monotonicMs">, store: Pick<DirectoryStore, "revision">) {
    this.#clock = clock;
    this.#store = store;
  }

  /** The page of this key, made anew if it is not the newest. */
  async text(key: string, make: () => Promise<unknown>): Promise<string> {
    const nowMs = this.#clock.monotonicMs();
    const { revision } = this.#store;
    const page = this.#pages.get(key);
    if (page?.revision === revision && nowMs - page.madeMs < MAX_AGE_MS) return page.text;
    const text = JSON.stringify(await make());
    if (this.#pages.size >= MAX_PAGES) this.#pages.clear();
    this.#pages.set(key, { text, revision, madeMs: nowMs });
    return text;
  }
}
