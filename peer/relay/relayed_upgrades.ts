/**
 * Upgrades of requests that came through a relay, whose channel is a stream of its link, and of all others.
 *
 * @module
 */
import type { Channel, ChannelUpgrader, UpgradeOptions } from "../../ports/ports.ts";

export class RelayedUpgrades implements ChannelUpgrader {
  readonly #direct: ChannelUpgrader;
  readonly #channels = new WeakMap<Request, Channel>();

  /** @param direct Upgrades what came on a socket. */
  constructor(direct: ChannelUpgrader) {
    this.#direct = direct;
  }

  /** Has a request upgraded to this channel. */
  expect(request: Request, channel: Channel): void {
    this.#channels.set(request, channel);
  }

  upgrade(request: Request, options?: UpgradeOptions) {
    const channel = this.#channels.get(request);
    if (channel === undefined) return this.#direct.upgrade(request, options);
    this.#channels.delete(request);
    return { response: new Response(null, { status: 101 }), channel };
  }
}
