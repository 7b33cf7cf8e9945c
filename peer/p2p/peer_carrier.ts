/**
 * The carrier of a node: its channels, and POST where there is none.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { Clock } from "../../ports/ports.ts";
import { relayOf } from "../../protocol/relay.ts";
import type { Carrier } from "../sessions/carrier.ts";
import { type ChannelLimits, type ChannelParts, ChannelPool } from "./channels.ts";
import { type CallPost, CallPosts } from "./call_posts.ts";
import { PostQueue } from "./post_queue.ts";

/** How long the last frames may take to leave when a node stops. */
const LAST_FRAMES_MS = 1_000;

interface CarrierParts extends ChannelParts {
  /** Told the length of each frame that is to leave. */
  readonly sent: (bytes: number) => void;
}

/** Carries frames on channels and by POST. */
export class PeerCarrier implements Carrier {
  readonly channels: ChannelPool;
  readonly #posts: PostQueue;
  readonly #calls: CallPosts;
  readonly #clock: Clock;
  readonly #urlOf: ChannelParts["urlOf"];
  readonly #sent: (bytes: number) => void;

  constructor(parts: CarrierParts, limits: ChannelLimits) {
    this.#clock = parts.clock;
    this.#urlOf = parts.urlOf;
    this.#sent = parts.sent;
    this.channels = new ChannelPool(parts, limits);
    this.#posts = new PostQueue(parts);
    this.#calls = new CallPosts(parts);
  }

  send(peer: NodeId, frame: Uint8Array<ArrayBuffer>, options = { post: false }): void {
    this.#sent(frame.length);
    if (options.post) this.#doubt(peer, frame);
    else if (this.channels.send(peer, frame)) return;
    this.#posts.send(peer, frame);
    this.channels.open(peer);
  }

  /**
   * Posts a sealed call to the path of its type, and opens a channel meanwhile.
   * @returns Whether the path is worth another try.
   */
  postCall(peer: NodeId, call: CallPost): Promise<boolean> {
    const url = this.#urlOf(peer);
    // Of a path of its own a relay would learn what kind of call it is, and passes none on.
    if (url !== null && relayOf(url, peer) !== null) {
      this.send(peer, call.frame, { post: true });
      return Promise.resolve(false);
    }
    this.#doubt(peer, call.frame);
    this.channels.open(peer);
    return this.#calls.post(peer, call);
  }

  /** A channel may be half open; but to a peer that nobody can call there is no other way. */
  #doubt(peer: NodeId, frame: Uint8Array<ArrayBuffer>): void {
    this.channels.doubt(peer);
    if (this.#posts.metNobody(peer)) this.channels.send(peer, frame);
  }

  /** A better way has been found: from now on what is sent goes on a channel of it. */
  openAnother(peer: NodeId): void {
    if (this.channels.has(peer)) this.channels.open(peer, { another: true });
  }

  hasChannel(peer: NodeId): boolean {
    return this.channels.has(peer);
  }

  drop(peer: NodeId): void {
    this.channels.drop(peer);
  }

  async stop(): Promise<void> {
    let cancel = () => {};
    const settled = new Promise<void>((resolve) => {
      cancel = this.#clock.setTimer(LAST_FRAMES_MS, resolve);
    });
    await this.#posts.stop(settled);
    cancel();
    this.channels.stop();
  }
}
