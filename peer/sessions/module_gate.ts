/**
 * The one way from a session to the modules, as sessions see it.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";

/** A frame of a module, out of a confirmed session. */
export interface ModuleFrame {
  readonly type: string;
  readonly id: string | undefined;
  readonly input: unknown;
  readonly body: Uint8Array;
}

export interface ModuleGate {
  /**
   * Hands a frame to its module, if its peer may.
   * @returns Whether it is to be acknowledged.
   * @throws {OpenRedError} For a frame that is dropped and counted.
   */
  take(peer: NodeId, frame: ModuleFrame): Promise<boolean>;
  /** Tells whether a repeat is acknowledged: only if the first was, and never to a blocked peer. */
  has(peer: NodeId, message: { readonly type: string; readonly id: string }): boolean;
}
