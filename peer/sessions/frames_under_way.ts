/**
 * Frames that have opened and whose modules have not done with them, by peer.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import { UnderWay } from "../../ports/under_way.ts";

/** More than a peer's outbox has under way; a module that asks the peer back while it handles a frame goes on. */
const MAX_OF_PEER = { maxCount: 512, maxBytes: 4 * 2 ** 20 };

/** The frames of one node. */
export class FramesUnderWay {
  readonly #byPeer = new Map<NodeId, UnderWay>();

  isFull(peer: NodeId): boolean {
    return this.#byPeer.get(peer)?.isFull ?? false;
  }

  /** Resolves as soon as there is room for more frames of a peer. */
  async room(peer: NodeId): Promise<void> {
    await this.#byPeer.get(peer)?.room();
  }

  /** Counts a frame until its work has settled. */
  async during(
    work: Promise<void>,
    frame: { peer: NodeId; bytes: number; count: number },
  ): Promise<void> {
    const { peer, bytes, count } = frame;
    const ofPeer = this.#byPeer.get(peer) ?? new UnderWay(MAX_OF_PEER);
    this.#byPeer.set(peer, ofPeer);
    const end = ofPeer.begin(bytes, count);
    try {
      await work;
    } finally {
      end();
      if (ofPeer.isIdle && this.#byPeer.get(peer) === ofPeer) this.#byPeer.delete(peer);
    }
  }
}
