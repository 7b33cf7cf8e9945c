/**
 * Ids whose last change is stored, but not on disk yet.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { GroupCommit } from "../../ports/group_commit.ts";

/** Nobody is told of what was stored of them until it is on disk, since a loss of power would take it back. */
export class UnsyncedIds {
  readonly #commit: Pick<GroupCommit, "current" | "isDurable">;
  /** The transaction that each was changed in last, in the order of transactions. */
  readonly #changedIn = new Map<NodeId, number>();

  constructor(commit: Pick<GroupCommit, "current" | "isDurable">) {
    this.#commit = commit;
  }

  /** Notes a change in the transaction that is being applied. */
  add(id: NodeId): void {
    this.#changedIn.delete(id);
    this.#changedIn.set(id, this.#commit.current);
  }

  has(id: NodeId): boolean {
    const transaction = this.#changedIn.get(id);
    return transaction !== undefined && !this.#isDurable(transaction);
  }

  /** Lets go of those that are on disk. */
  prune(): void {
    for (const [id, transaction] of this.#changedIn) {
      if (!this.#isDurable(transaction)) return;
      this.#changedIn.delete(id);
    }
  }

  /** One that is not committed was undone, and left what those before it had stored. */
  #isDurable(transaction: number): boolean {
    return this.#commit.isDurable(Math.min(transaction, this.#commit.current - 1));
  }
}
