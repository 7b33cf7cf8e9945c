/** A handler that notes which frames reach it. */
import type { NodeId } from "../../../crypto/encoding.ts";
import type { FrameHandler, PeerFrame } from "../../../modules/api.ts";

export class RecordingHandler implements FrameHandler {
  readonly seen: ("frame" | "request")[] = [];
  /** Ids of messages that were stored. */
  readonly stored = new Set<string>();
  /** Whether contact requests are kept. */
  keepsRequests = true;

  receive({ isRequest }: PeerFrame): Promise<boolean> {
    this.seen.push(isRequest ? "request" : "frame");
    return Promise.resolve(!isRequest || this.keepsRequests);
  }

  has(_peer: NodeId, id: string): boolean {
    return this.stored.has(id);
  }
}
