/**
 * What tells a node that its data came from a backup: it may have signed more than it remembers.
 *
 * @module
 */
import type { Random } from "../../ports/ports.ts";
import { CLOCK_ALLOWANCE_MS } from "../../protocol/limits.ts";
import { uniform } from "../timing/backoff.ts";
import type { NodeStore } from "../store/store.ts";

/** A record that leaps so far is taken wherever the clock is right, even if the backup is of this moment. */
const MAX_LEAP_MS = CLOCK_ALLOWANCE_MS / 2;
const RESTORED = "restored";
const NOTED = "restored_noted";

function answeredName(url: string): string {
  return `restored_answered ${url}`;
}

/**
 * Marks a store as restored at this moment. Where the clock is behind, its records are numbered from what was taken
 * last, as those that the node signed since the backup were: from here on they leap by a random number.
 * @param options `isNoted`: the audit log is told otherwise why the store is an older one.
 */
export async function markRestored(
  store: NodeStore,
  { nowMs, random, isNoted = false }: { nowMs: number; random: Random; isNoted?: boolean },
): Promise<void> {
  const leapMs = 1 + Math.floor(uniform(random) * MAX_LEAP_MS);
  await store.write(() => {
    const put = store.statement("INSERT OR REPLACE INTO self (name, value) VALUES (?, ?)");
    for (const name of ["taken_seq", "shown_seq"]) {
      const seq = store.self(name);
      if (seq !== null) put.run(name, String(Number(seq) + leapMs));
    }
    put.run(RESTORED, String(nowMs));
    if (isNoted) put.run(NOTED, String(nowMs));
    // What was signed last is not known any more.
    store.statement("DELETE FROM self WHERE name = 'signed_seq'").run();
  });
}

/** When a store was marked last, in milliseconds since the epoch; `null` if it never was. */
export function restoredAtMs(store: NodeStore): number | null {
  const mark = store.self(RESTORED);
  return mark === null ? null : Number(mark);
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
