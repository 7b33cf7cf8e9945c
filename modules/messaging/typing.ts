/**
 * Who is writing just now: said while there is a session, kept nowhere.
 *
 * @module
 */
import type { ModuleContext, NodeId, PeerFrame } from "../api.ts";
import { TYPING } from "./manifest.ts";

/** How often it is said, and shown, of one conversation. */
const EVERY_MS = 3_000;
const MAX_PEERS = 1_000;

/** Says that the owner writes, and tells the owner who does. */
export class Typing {
  readonly #parts: Pick<ModuleContext, "clock" | "events" | "peers" | "send">;
  readonly #said = new Map<NodeId, number>();
  readonly #heard = new Map<NodeId, number>();

  constructor(parts: Pick<ModuleContext, "clock" | "events" | "peers" | "send">) {
    this.#parts = parts;
  }

  async say(peer: NodeId): Promise<void> {
    const { connected, blocked } = await this.#parts.peers.get(peer);
    if (!connected || blocked || !this.#isTime(this.#said, peer)) return;
    this.#parts.send({ peer, type: TYPING });
  }

  receive({ peer }: PeerFrame): Promise<boolean> {
    if (this.#isTime(this.#heard, peer)) this.#parts.events.emit("typing", { peer });
    return Promise.resolve(false);
  }

  #isTime(last: Map<NodeId, number>, peer: NodeId): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - (last.get(peer) ?? -Infinity) < EVERY_MS) return false;
    if (last.size >= MAX_PEERS) last.clear();
    last.set(peer, nowMs);
    return true;
  }
}
