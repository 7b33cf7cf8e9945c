/**
 * Channels of a node that nobody can call: the only way to it, so they are opened and kept.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import type { SessionTable } from "../sessions/session.ts";
import type { Background } from "../timing/background.ts";

const LOOK_EVERY_MS = 60_000;
/** How often something goes on a channel before it would have been idle for too long. */
const TICKS_PER_IDLE = 3;

export interface KeptChannelsParts {
  readonly clock: Clock;
  readonly background: Background;
  readonly table: Pick<SessionTable, "peers" | "current">;
  readonly decisions: { isDecided(peer: NodeId): boolean };
  readonly channels: {
    has(peer: NodeId): boolean;
    open(peer: NodeId): void;
  };
  /** Sends something that asks for nothing. */
  readonly tick: (peer: NodeId) => Promise<void>;
  /** Whether others can call this node, as far as it knows. */
  readonly isCalled: () => boolean;
}

/** Sees to it that whoever somebody here decided about can always send. */
export class KeptChannels {
  readonly #parts: KeptChannelsParts;
  readonly #everyMs: number;
  #cancel = () => {};

  constructor(parts: KeptChannelsParts, limits: { readonly idleConnectionMs: number }) {
    this.#parts = parts;
    this.#everyMs = Math.min(LOOK_EVERY_MS, limits.idleConnectionMs / TICKS_PER_IDLE);
  }

  start(): void {
    this.#cancel = this.#parts.clock.setTimer(this.#everyMs, () => {
      this.start();
      this.#look();
    });
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { background, channels, decisions, isCalled, table, tick } = this.#parts;
    if (isCalled()) return;
    for (const peer of table.peers()) {
      if (table.current(peer) === null || !decisions.isDecided(peer)) continue;
      if (channels.has(peer)) background.run("tick", tick(peer), peer);
      else channels.open(peer);
    }
  }
}
