/**
 * What tells a node that its data came from a backup: it may have signed more than it remembers.
 *
 * @module
 */
import type { NodeStore } from "../store.ts";

const RESTORED = "restored";
const NOTED = "restored_noted";

function answeredName(url: string): string {
  return `restored_answered ${url}`;
}

/** Marks a store as restored at this moment. */
export async function markRestored(store: NodeStore, nowMs: number): Promise<void> {
  await store.setSelf(RESTORED, String(nowMs));
}

/** The mark in a running node. */
export class RestoredMark {
  readonly #store: NodeStore;
  readonly #mark: string | null;

  constructor(store: NodeStore) {
    this.#store = store;
    this.#mark = store.self(RESTORED);
  }

  /** Whether a directory has not answered yet since this node was restored. */
  isFirstAnswer(url: string): boolean {
    return this.#mark !== null && this.#store.self(answeredName(url)) !== this.#mark;
  }

  /** Notes that a directory took a record, or showed one of this node's own. */
  async answered(url: string): Promise<void> {
    if (this.isFirstAnswer(url)) await this.#store.setSelf(answeredName(url), this.#mark ?? "");
  }

  /** Has the audit log say it once. */
  async note(audit: () => Promise<void>): Promise<void> {
    if (this.#mark === null || this.#store.self(NOTED) === this.#mark) return;
    await audit();
    await this.#store.setSelf(NOTED, this.#mark);
  }
}
