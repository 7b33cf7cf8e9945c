/** A module that notes which frames reach it. */
import type { NodeId } from "../../../crypto/encoding.ts";
import type { FrameHandler } from "../../../peer/modules/frame_gate.ts";

export class RecordingHandler implements FrameHandler {
  readonly seen: string[] = [];
  /** Ids of messages that were stored. */
  readonly stored = new Set<string>();

  receive(_peer: NodeId, _header: unknown, _body: Uint8Array): Promise<boolean> {
    this.seen.push("frame");
    return Promise.resolve(true);
  }

  receiveRequest(_peer: NodeId, _header: unknown, _body: Uint8Array): Promise<boolean> {
    this.seen.push("request");
    return Promise.resolve(true);
  }

  has(_peer: NodeId, id: string): boolean {
    return this.stored.has(id);
  }
}
