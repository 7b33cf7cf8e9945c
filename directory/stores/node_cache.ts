/**
 * The nodes that were asked for last, so that hot look-ups need no query. Bounded.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { FoundNode } from "./store.ts";

/** About 40 MB when every record is as long as it may be. */
const MAX_NODES = 10_000;

/** Keeps what is committed; whoever changes a node deletes it here. */
export class NodeCache<Kept = FoundNode> {
  readonly #nodes = new Map<NodeId, Kept>();

  get(id: NodeId): Kept | undefined {
    return this.#nodes.get(id);
  }

  set(id: NodeId, found: Kept): void {
    if (this.#nodes.size >= MAX_NODES) {
      const [oldest] = this.#nodes.keys();
      this.#nodes.delete(oldest!);
    }
    this.#nodes.set(id, found);
  }

  delete(id: NodeId): void {
    this.#nodes.delete(id);
  }

  clear(): void {
    this.#nodes.clear();
  }
}
