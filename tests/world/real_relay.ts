/**
 * A real relay on loopback that shows browsers links to files, from the factory of the binary, with real ports.
 *
 * @module
 */
import { LocalCryptoCore } from "../../crypto/core.ts";
import { systemChannelUpgrader, systemClock, systemRandom } from "../../ports/system.ts";
import { relayedUrl } from "../../protocol/relay.ts";
import { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import { DEFAULT_RELAY_LIMITS } from "../../relay/config.ts";
import { createRelay } from "../../relay/relay.ts";
import { linkPage } from "../../relay_link_page.ts";
import { recordPayload, signText, testIdentity } from "../protocol/signer.ts";
import { NodeListener } from "./node_listener.ts";
import { MemoryLog } from "./memory_log.ts";

export class RealRelay implements AsyncDisposable {
  readonly log = new MemoryLog();
  readonly #listener = new NodeListener();
  #core: LocalCryptoCore | null = null;

  get url(): string {
    return this.#listener.url;
  }

  async start(): Promise<this> {
    const identity = testIdentity(100);
    const payload = recordPayload(identity, { api_url: this.url, services: ["relay"] });
    this.#core = await LocalCryptoCore.create();
    const relay = await createRelay({
      clock: systemClock,
      random: systemRandom,
      upgrader: systemChannelUpgrader,
      crypto: this.#core,
      log: this.log,
      own: { id: identity.id, text: signText(identity, payload, { typ: "openred-record+jwt" }) },
      linkPage,
    }, {
      url: this.url,
      allowed: null,
      trustedProxies: TrustedProxies.NONE,
      limits: DEFAULT_RELAY_LIMITS,
    });
    const none = () => new Response(null, { status: 404 });
    this.#listener.handler = (request, address) => relay.handle(request, { address }) ?? none();
    return this;
  }

  /** The same link, where others reach the node. */
  linkTo(node: { readonly id: string; readonly url: string }, link: string): string {
    return link.replace(node.url, relayedUrl(this.url, node.id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener[Symbol.asyncDispose]();
    await this.#core?.stop();
  }
}
