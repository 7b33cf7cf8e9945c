/**
 * What is read again and again of the database, by peer.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";

/** Ids cost nothing, so that there is no end of peers to ask about. */
const MAX_PEERS = 4_096;

/**
 * Remembers what was read for each peer, which is never `undefined`. Whoever changes what is read calls
 * {@linkcode Remembered.forget} inside the transaction; nothing is remembered anew before that has ended, whichever way.
 */
export class Remembered<T> {
  readonly #isInside: () => boolean;
  readonly #read: (peer: NodeId) => T;
  readonly #known = new Map<NodeId, T>();

  /** @param options `isInside`: whether writes are being applied now. */
  constructor(options: { isInside: () => boolean; read: (peer: NodeId) => T }) {
    this.#isInside = options.isInside;
    this.#read = options.read;
  }

  of(peer: NodeId): T {
    const known = this.#known.get(peer);
    if (known !== undefined) return known;
    const value = this.#read(peer);
    if (this.#isInside()) return value;
    if (this.#known.size >= MAX_PEERS) this.#known.clear();
    this.#known.set(peer, value);
    return value;
  }

  /** Forgets everything. */
  forget(): void {
    this.#known.clear();
  }
}
