/**
 * Channels that somebody opened, until their first message has proven whose they are.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Channel, ChannelListener, Clock } from "../../ports/ports.ts";
import { CHANNEL_FIRST_FRAME_MS } from "../../protocol/limits.ts";
import { CHANNEL_CLOSE } from "../../protocol/peer_api.ts";
import type { Background } from "../timing/background.ts";
import type { FrameVerdict } from "../sessions/frame_intake.ts";
import type { HeldSockets } from "./held_sockets.ts";

const MAX_WAITING = 100;
const MAX_EARLY_MESSAGES = 64;

export interface EntranceParts {
  readonly clock: Clock;
  readonly background: Background;
  readonly held: HeldSockets;
  readonly receive: (frame: Uint8Array) => Promise<FrameVerdict>;
  /** Takes a channel whose peer is proven; the listener it gives hears the rest. */
  readonly admit: (peer: NodeId, channel: Channel, source: string) => ChannelListener;
}

/** The channels of one node that wait for their proof. */
export class Entrance {
  readonly #parts: EntranceParts;
  /** The one that has waited longest stands first. */
  readonly #waiting = new Set<Visitor>();

  constructor(parts: EntranceParts) {
    this.#parts = parts;
  }

  /** Where too many wait, the newest has the place of the oldest: an honest one needs it for a moment only. */
  accept(channel: Channel, source: string): void {
    if (this.#waiting.size >= MAX_WAITING) {
      const [oldest] = this.#waiting;
      oldest!.refuse(CHANNEL_CLOSE.refused);
    }
    const visitor = new Visitor(this.#parts, {
      channel,
      source,
      left: () => this.#waiting.delete(visitor),
    });
    this.#waiting.add(visitor);
    channel.listen(visitor);
  }

  stop(): void {
    for (const visitor of [...this.#waiting]) visitor.refuse(CHANNEL_CLOSE.goingAway);
  }
}

/** A channel whose opener has not proven itself yet. Afterwards it passes every message on to the channel's owner. */
class Visitor implements ChannelListener {
  readonly #parts: EntranceParts;
  readonly #channel: Channel;
  readonly #source: string;
  readonly #left: () => void;
  readonly #cancelTimer: () => void;
  readonly #release: () => void;
  #owner: ChannelListener | null = null;
  #isOver = false;
  #early = 0;
  #turn = Promise.resolve();

  constructor(
    parts: EntranceParts,
    place: { readonly channel: Channel; readonly source: string; readonly left: () => void },
  ) {
    this.#parts = parts;
    this.#channel = place.channel;
    this.#source = place.source;
    this.#left = place.left;
    this.#release = parts.held.hold(place.source);
    this.#cancelTimer = parts.clock.setTimer(
      CHANNEL_FIRST_FRAME_MS,
      () => this.refuse(CHANNEL_CLOSE.refused),
    );
  }

  /** Gives its place free at once: the other end may never let the socket end. */
  refuse(code: number): void {
    this.#leave();
    this.#channel.close(code);
  }

  message(data: Uint8Array<ArrayBuffer> | null): Promise<void> | void {
    if (this.#owner !== null) return this.#owner.message(data);
    if (this.#isOver) return;
    this.#early += 1;
    if (this.#early > MAX_EARLY_MESSAGES) return this.refuse(CHANNEL_CLOSE.refused);
    this.#turn = this.#turn.then(() => this.#take(data));
    this.#parts.background.run("channel", this.#turn);
    return this.#turn;
  }

  close(code: number): void {
    this.#leave();
    this.#release();
    this.#owner?.close(code);
  }

  async #take(data: Uint8Array<ArrayBuffer> | null): Promise<void> {
    if (this.#owner !== null) return this.#owner.message(data);
    if (this.#isOver) return;
    const verdict = data === null ? null : await this.#parts.receive(data);
    if (this.#isOver) return;
    if (verdict?.kind !== "taken" || !verdict.fresh) {
      return this.refuse(
        verdict?.kind === "unknown" ? CHANNEL_CLOSE.unknown : CHANNEL_CLOSE.refused,
      );
    }
    this.#leave();
    this.#release();
    this.#owner = this.#parts.admit(verdict.session.peer, this.#channel, this.#source);
  }

  #leave(): void {
    this.#isOver = true;
    this.#cancelTimer();
    this.#left();
  }
}
