/**
 * The connection pool: WebSocket channels by peer (docs/PROTOCOL.md, "Carriers").
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Channel, ChannelListener, Clock, HttpClient, Random } from "../../ports/ports.ts";
import { sleep } from "../../ports/sleep.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CALL_TIMEOUT_MS, CHANNEL_FIRST_FRAME_MS } from "../../protocol/limits.ts";
import { relayOf } from "../../protocol/relay.ts";
import { CHANNEL_CLOSE, CHANNEL_PATH } from "../../protocol/peer_api.ts";
import type { Background } from "../timing/background.ts";
import type { FrameVerdict } from "../sessions/frame_intake.ts";
import { Entrance } from "./entrance.ts";
import { HeldSockets } from "./held_sockets.ts";
import { Openings } from "./openings.ts";

const LEAVE_TO_OTHER_MS = 1_000;
/** Longer for a peer behind a relay, which can call this node itself. */
const LEAVE_TO_RELAYED_MS = 3_000;
const MAX_BUFFERED_BYTES = 4 * 2 ** 20;
/** Both ends may open one at the same moment; more would only take the place of other peers' channels. */
const MAX_CHANNELS_PER_PEER = 2;
/** How long a channel may carry nothing back from the first repeat on. */
const HALF_OPEN_MS = 30_000;
/** A channel on which more frames than that are refused within so long is closed. */
const MAX_REFUSED = 64;
const REFUSED_MS = 60_000;

export interface ChannelParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
  readonly background: Background;
  readonly ownId: NodeId;
  readonly urlOf: (peer: NodeId) => string | null;
  /** Whether others call this node through a relay. */
  readonly isRelayed?: () => boolean;
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  /** Takes a frame; the verdict says whether it opened. */
  readonly receive: (frame: Uint8Array) => Promise<FrameVerdict>;
  /** A fresh frame to open a channel with, or `null` while there is no session to do so on. */
  readonly sealFirst: (peer: NodeId) => Promise<Uint8Array<ArrayBuffer> | null>;
  readonly unknown: (peer: NodeId) => void;
  readonly dropped: () => void;
  /** Told that a channel is closed on which nothing came back. */
  readonly halfOpen?: (peer: NodeId) => void;
  /** Whether somebody here decided about a peer; everybody else is a stranger. */
  readonly decisions: { isDecided(peer: NodeId): boolean };
}

export interface ChannelLimits {
  readonly maxConnections: number;
  readonly idleConnectionMs: number;
}

/** A channel whose peer is proven. */
interface Proven {
  readonly channel: Channel;
  readonly peer: NodeId;
  /** Whose socket it is when it is closed: the source that opened it, or the peer that was called. */
  readonly holder: string;
  release: () => void;
  lastFreshMs: number;
  lastUsedMs: number;
  /** Frames refused since then. */
  refused: number;
  refusedSinceMs: number;
  /** Takes back that it is closed for having carried nothing; `null` while nobody doubts it. */
  cancelDoubt: (() => void) | null;
  cancelIdle: () => void;
}

/** The open channels of one node. */
export class ChannelPool {
  readonly #parts: ChannelParts;
  readonly #limits: ChannelLimits;
  readonly #proven = new Set<Proven>();
  readonly #byPeer = new Map<NodeId, Proven[]>();
  readonly #held = new HeldSockets();
  readonly #openings: Openings;
  readonly #entrance: Entrance;
  readonly #stop = new AbortController();

  constructor(parts: ChannelParts, limits: ChannelLimits) {
    this.#parts = parts;
    this.#limits = limits;
    this.#openings = new Openings(parts);
    this.#entrance = new Entrance({
      ...parts,
      held: this.#held,
      admit: (peer, channel, source) =>
        this.#listenerOf(this.#attach({ peer, channel, holder: source })),
    });
  }

  /** Channels whose peer is proven. */
  get openCount(): number {
    return this.#proven.size;
  }

  has(peer: NodeId): boolean {
    return this.#byPeer.has(peer);
  }

  /** @returns Whether there was a channel to send it on. A full one drops the frame. */
  send(peer: NodeId, frame: Uint8Array<ArrayBuffer>): boolean {
    const proven = this.#byPeer.get(peer)?.[0];
    if (proven === undefined) return false;
    if (proven.channel.bufferedBytes > MAX_BUFFERED_BYTES) this.#parts.dropped();
    else {
      proven.channel.send(frame);
      this.#carriedFresh(proven);
    }
    return true;
  }

  /**
   * Notes that something had to be repeated to a peer. A channel that carries nothing back for half a minute from then
   * on is taken for half open and closed: a ping shows that the other end's socket lives, not that a node reads it, and
   * every frame sent on it keeps it from idling. Acknowledgements that come by POST show nothing for the channel.
   */
  doubt(peer: NodeId): void {
    const proven = this.#byPeer.get(peer)?.[0];
    if (proven === undefined) return;
    proven.cancelDoubt ??= this.#parts.clock.setTimer(HALF_OPEN_MS, () => {
      this.#close(proven, CHANNEL_CLOSE.idle);
      this.#parts.halfOpen?.(peer);
    });
  }

  #endDoubt(proven: Proven): void {
    proven.cancelDoubt?.();
    proven.cancelDoubt = null;
  }

  /**
   * Opens a channel in the background, if there is none and it is time to try.
   * @param options `another`: there may be one, on a way that is worse.
   */
  open(peer: NodeId, { another } = { another: false }): void {
    if (this.has(peer) && !another) return;
    if (this.#stop.signal.aborted || !this.#held.hasRoom(peer)) return;
    if (another) this.#openings.forget(peer);
    const ended = this.#openings.begin(peer);
    if (ended === null) return;
    this.#parts.background.run("open_channel", this.#open(peer, another).finally(ended), peer);
  }

  /**
   * Both ends want a channel at the same moment. Of two nodes of which one is behind a relay that one opens it, so that
   * it leads around the relay; otherwise the one with the larger id leaves it to the other.
   */
  #leaveMs(peer: NodeId, url: string): number {
    const { ownId } = this.#parts;
    const isRelayed = this.#parts.isRelayed?.() ?? false;
    const isPeerRelayed = relayOf(url, peer) !== null;
    if (isRelayed === isPeerRelayed) return ownId > peer ? LEAVE_TO_OTHER_MS : 0;
    return isRelayed ? 0 : LEAVE_TO_RELAYED_MS;
  }

  async #open(peer: NodeId, another: boolean): Promise<void> {
    const url = this.#parts.urlOf(peer);
    const { signal } = this.#stop;
    if (url === null) return;
    try {
      const leaveMs = another ? 0 : this.#leaveMs(peer, url);
      if (leaveMs > 0) {
        await sleep(this.#parts.clock, leaveMs, signal);
        if (this.has(peer)) return;
      }
      await this.#parts.checkUrl(url, signal);
      const first = await this.#parts.sealFirst(peer);
      // A channel is not due before there is a session to open it on; then it is at once.
      if (first === null) return this.#openings.forget(peer);
      const channel = await this.#parts.http.openChannel({
        url: url.replace(/^http/, "ws") + CHANNEL_PATH,
        timeoutMs: CALL_TIMEOUT_MS,
        signal,
      });
      if (signal.aborted || this.#parts.urlOf(peer) === null) {
        return channel.close(CHANNEL_CLOSE.goingAway);
      }
      channel.listen(this.#listenerOf(this.#attach({ peer, channel, holder: peer })));
      channel.send(first);
    } catch (error) {
      if (!(error instanceof OpenRedError) && !signal.aborted) throw error;
    }
  }

  /**
   * Looks whether a source may open another channel. To be asked before there is one.
   * @throws {OpenRedError} `rate_limited` while too many sockets of this source are unproven or will not end.
   */
  checkRoom(source: string): void {
    if (this.#held.hasRoom(source)) return;
    throw new OpenRedError("rate_limited", "Too many idle channels from this address", {
      retryAfterMs: CHANNEL_FIRST_FRAME_MS,
    });
  }

  /** Takes a channel somebody opened: its first message has to prove whose it is. */
  accept(channel: Channel, source: string): void {
    if (this.#stop.signal.aborted) channel.close(CHANNEL_CLOSE.refused);
    else this.#entrance.accept(channel, source);
  }

  #listenerOf(proven: Proven): ChannelListener {
    return {
      message: (data) => {
        const work = this.#take(proven, data);
        this.#parts.background.run("channel", work, proven.peer);
        return work;
      },
      close: (code) => this.#ended(proven, code),
    };
  }

  async #take(proven: Proven, data: Uint8Array | null): Promise<void> {
    if (data === null) return this.#close(proven, CHANNEL_CLOSE.refused);
    proven.lastUsedMs = this.#parts.clock.monotonicMs();
    const verdict = await this.#parts.receive(data);
    if (verdict.kind === "unknown") return this.#close(proven, CHANNEL_CLOSE.unknown);
    if (verdict.kind !== "taken") return this.#refused(proven);
    if (verdict.session.peer !== proven.peer) return this.#close(proven, CHANNEL_CLOSE.refused);
    this.#endDoubt(proven);
    if (verdict.fresh) {
      this.#openings.proved(proven.peer);
      this.#carriedFresh(proven);
    }
    await verdict.room;
  }

  /** What is refused costs as much as what opens. An honest peer's late repeats are fewer than that. */
  #refused(proven: Proven): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - proven.refusedSinceMs >= REFUSED_MS) {
      proven.refusedSinceMs = nowMs;
      proven.refused = 0;
    }
    proven.refused += 1;
    if (proven.refused > MAX_REFUSED) this.#close(proven, CHANNEL_CLOSE.refused);
  }

  /** Puts the channel that last carried a fresh frame in front. */
  #carriedFresh(proven: Proven): void {
    proven.lastFreshMs = this.#parts.clock.monotonicMs();
    proven.lastUsedMs = proven.lastFreshMs;
    const channels = this.#byPeer.get(proven.peer);
    if (channels === undefined || channels[0] === proven || !channels.includes(proven)) return;
    this.#byPeer.set(proven.peer, [proven, ...channels.filter((other) => other !== proven)]);
  }

  #attach(socket: Pick<Proven, "channel" | "peer" | "holder">): Proven {
    const nowMs = this.#parts.clock.monotonicMs();
    const proven: Proven = {
      ...socket,
      release: () => {},
      lastFreshMs: nowMs,
      lastUsedMs: nowMs,
      refused: 0,
      refusedSinceMs: nowMs,
      cancelDoubt: null,
      cancelIdle: () => {},
    };
    this.#proven.add(proven);
    const channels = [proven, ...this.#byPeer.get(proven.peer) ?? []];
    this.#byPeer.set(proven.peer, channels);
    this.#watchIdle(proven, this.#limits.idleConnectionMs);
    const surplus = channels[MAX_CHANNELS_PER_PEER];
    if (surplus !== undefined) this.#close(surplus, CHANNEL_CLOSE.idle);
    if (this.#proven.size > this.#limits.maxConnections) this.#makeRoom();
    return proven;
  }

  /** Closes the channel used longest ago: a stranger's, perhaps the newest one, as long as there is any. */
  #makeRoom(): void {
    const { decisions } = this.#parts;
    const all = [...this.#proven];
    const strangers = all.filter(({ peer }) => !decisions.isDecided(peer));
    const [first, ...others] = strangers.length > 0 ? strangers : all;
    let oldest = first!;
    for (const proven of others) if (proven.lastUsedMs < oldest.lastUsedMs) oldest = proven;
    this.#close(oldest, CHANNEL_CLOSE.idle);
  }

  #watchIdle(proven: Proven, delayMs: number): void {
    proven.cancelIdle = this.#parts.clock.setTimer(delayMs, () => {
      const idleMs = this.#parts.clock.monotonicMs() - proven.lastUsedMs;
      const leftMs = this.#limits.idleConnectionMs - idleMs;
      if (leftMs <= 0) this.#close(proven, CHANNEL_CLOSE.idle);
      else this.#watchIdle(proven, leftMs);
    });
  }

  /** Nothing is sent on a channel from the moment it is closed here, whenever the other end hears of it. */
  #close(proven: Proven, code: number): void {
    if (this.#remove(proven)) proven.release = this.#held.hold(proven.holder);
    proven.channel.close(code);
  }

  #remove(proven: Proven): boolean {
    proven.cancelIdle();
    this.#endDoubt(proven);
    if (!this.#proven.delete(proven)) return false;
    const left = (this.#byPeer.get(proven.peer) ?? []).filter((other) => other !== proven);
    if (left.length > 0) this.#byPeer.set(proven.peer, left);
    else this.#byPeer.delete(proven.peer);
    return true;
  }

  #ended(proven: Proven, code: number): void {
    proven.release();
    if (!this.#remove(proven)) return;
    if (code === CHANNEL_CLOSE.unknown) this.#parts.unknown(proven.peer);
  }

  /** Ends the channels to a peer, as for one whose sessions nobody knows. */
  drop(peer: NodeId): void {
    for (const proven of this.#byPeer.get(peer) ?? []) this.#close(proven, CHANNEL_CLOSE.unknown);
    this.#openings.forget(peer);
  }

  stop(): void {
    this.#stop.abort();
    this.#entrance.stop();
    for (const { channel } of this.#proven) channel.close(CHANNEL_CLOSE.goingAway);
  }
}
