/**
 * Carrying frames to a peer: on the open channel that last carried a fresh one, otherwise by POST.
 * Nothing here is certain; what must not be lost is repeated above.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";

export interface Carrier {
  /**
   * Sends a frame, if it can. Never throws, never waits.
   * @param options `post`: not on a channel, which may be half open.
   */
  send(peer: NodeId, frame: Uint8Array<ArrayBuffer>, options?: { readonly post: boolean }): void;
  /** Tells whether frames to a peer go on a channel now. */
  hasChannel(peer: NodeId): boolean;
  /** Ends the channels to a peer. */
  drop(peer: NodeId): void;
}
