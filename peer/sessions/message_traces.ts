/**
 * Following single messages on their way, where somebody asked for it. Without it nothing of this is made.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";

/** The member of a header that names the span a message was sent in (docs/PROTOCOL.md, "Traces"). */
export const TRACE_MEMBER = "trace";

/** What a peer must be allowed, to be told of a trace and to be believed about one. */
export const TRACES = "traces";

/** A message on its way to a peer. */
export interface SendingTrace {
  /** What its header says of it; `null` where the peer is to learn nothing. */
  readonly member: string | null;
  /** It has left, once more. */
  left(): void;
  end(outcome: "acknowledged" | "refused" | "dropped"): void;
}

/** A message that came. */
export interface ReceivingTrace {
  /** Whether it is kept here now, and will be acknowledged. */
  end(isStored: boolean): void;
}

export interface MessageTraces {
  /** @param type The frame's. */
  sending(peer: NodeId, type: string): SendingTrace;
  /** @param member What its header says of the sender's span: unchecked input of the peer. */
  receiving(
    peer: NodeId,
    frame: { readonly type: string; readonly member: unknown },
  ): ReceivingTrace;
}
