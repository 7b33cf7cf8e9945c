/**
 * How frames of modules leave in tests: they are noted, and the test says what became of them.
 *
 * @module
 */
import type { NodeId } from "../../modules/api.ts";
import type { Sender } from "../../peer/modules/module_sends.ts";
import type { ReliableMessage } from "../../peer/sessions/reliable.ts";

/** A frame that nobody acknowledges. */
export interface SentOnce {
  readonly peer: NodeId;
  readonly header: Record<string, unknown>;
  readonly body: Uint8Array | undefined;
}

export class RecordingSender implements Sender {
  /** What was sent and not taken yet, oldest first. */
  readonly sent: ReliableMessage[] = [];
  readonly once: SentOnce[] = [];
  /** Peers with whom a session is wanted. */
  readonly wanted: NodeId[] = [];
  readonly connected = new Set<NodeId>();
  readonly #underWay = new Map<string, ReliableMessage>();

  sendReliable(message: ReliableMessage): void {
    this.sent.push(message);
    this.#underWay.set(message.id, message);
  }

  cancel(id: string): void {
    const message = this.#underWay.get(id);
    this.#underWay.delete(id);
    message?.dropped?.();
  }

  sendOnce(peer: NodeId, header: Record<string, unknown>, body?: Uint8Array): void {
    this.once.push({ peer, header, body });
  }

  want(peer: NodeId): void {
    this.wanted.push(peer);
  }

  isConnected(peer: NodeId): boolean {
    return this.connected.has(peer);
  }

  /** The peer has stored a frame. */
  acknowledge(id: string, rttMs = 1): void {
    const message = this.#underWay.get(id);
    this.#underWay.delete(id);
    message?.acknowledged(rttMs);
  }

  /** Whether a frame was neither acknowledged nor cancelled. */
  isUnderWay(id: string): boolean {
    return this.#underWay.has(id);
  }

  /** How many frames to a peer are not acknowledged. */
  waiting(peer: NodeId): number {
    return [...this.#underWay.values()].filter((message) => message.peer === peer).length;
  }

  /** The ids of what was sent since the last time, oldest first. */
  takeIds(): string[] {
    return this.sent.splice(0).map(({ id }) => id);
  }
}
