/**
 * What is known of a call when it is passed on.
 *
 * @module
 */
import type { RelayRoute } from "../protocol/relay.ts";
import type { LinkedNode } from "./linked_nodes.ts";

/** One call, on its way to a node. */
export interface Call {
  readonly request: Request;
  readonly route: RelayRoute;
  readonly node: LinkedNode;
  /** Whom it is counted for. */
  readonly source: string;
  /** The JSON of the head that opens its stream. */
  readonly head: Uint8Array;
  /** Bytes of the body. */
  readonly length: number;
}
