/**
 * The relay through which others reach this node: a link that is opened again whenever it ends.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { Channel, HttpClient, Random } from "../../ports/ports.ts";
import type { RelayView } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CALL_TIMEOUT_MS, MAX_RELAY_FRAME_BYTES } from "../../protocol/limits.ts";
import { RELAY_PATH } from "../../protocol/relay.ts";
import { Backoff, sleep, uniform } from "../timing/backoff.ts";
import { type LinkEnd, NodeLink, type NodeLinkParts, type RelayAddress } from "./node_link.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** All nodes of a relay that died come back within so long, at random. */
const RETURN_MS = 5_000;
const INSTANCE_BYTES = 16;

export interface OwnRelayParts extends NodeLinkParts {
  readonly random: Random;
  readonly http: HttpClient;
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  /** Called whenever there is a link. */
  readonly linked: () => void;
}

/** Keeps a link to one relay. */
export class OwnRelay {
  readonly #parts: OwnRelayParts;
  readonly #address: RelayAddress;
  readonly #instance: string;
  readonly #stop = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  #state: RelayView["state"] = "trying";
  #lastError: string | null = null;
  #relayId: NodeId | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: OwnRelayParts, address: RelayAddress) {
    this.#parts = parts;
    this.#address = address;
    this.#instance = encodeBase64Url(parts.random.bytes(INSTANCE_BYTES));
  }

  /** Begins. @returns Resolves once there is a link, or the first try has failed. */
  start(): Promise<void> {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
    this.#parts.background.run("relay", this.#running);
    return this.#tried.promise;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#tried.resolve();
    await this.#running;
  }

  view(): RelayView {
    return {
      url: this.#address.url,
      relay_id: this.#relayId,
      state: this.#state,
      last_error: this.#lastError,
    };
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#parts;
    const backoff = new Backoff(random, { firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS });
    for (;;) {
      const end = await this.#linkOnce();
      this.#tried.resolve();
      if (this.#stop.signal.aborted) return;
      if (end.wasLinked) backoff.reset();
      this.#tell(end);
      if (end.code === "replaced") return;
      const broke = end.wasLinked && end.code === "unreachable";
      const leastMs = broke ? uniform(random) * RETURN_MS : backoff.next();
      await sleep(clock, Math.max(leastMs, end.retryAfterMs), this.#stop.signal);
    }
  }

  async #linkOnce(): Promise<LinkEnd> {
    const { url } = this.#address;
    const { http, checkUrl } = this.#parts;
    const { signal } = this.#stop;
    try {
      await checkUrl(url, signal);
      const channel = await http.openChannel({
        url: url.replace(/^http/, "ws") + RELAY_PATH,
        timeoutMs: CALL_TIMEOUT_MS,
        maxMessageBytes: MAX_RELAY_FRAME_BYTES,
        signal,
      });
      return await this.#hold(channel);
    } catch (error) {
      if (!(error instanceof OpenRedError) && !signal.aborted) throw error;
      const none = { code: "unreachable", retryAfterMs: 0, wasLinked: false } as const;
      return error instanceof OpenRedError ? { ...none, why: reasonOf(error) } : none;
    }
  }

  /** Uses a link until it ends. */
  #hold(channel: Channel): Promise<LinkEnd> {
    const { signal } = this.#stop;
    const { promise, resolve } = Promise.withResolvers<LinkEnd>();
    const link = new NodeLink(this.#parts, {
      address: this.#address,
      instance: this.#instance,
      channel,
      linked: (relayId) => this.#linked(relayId),
      ended: resolve,
    });
    const close = () => link.close();
    signal.addEventListener("abort", close, { once: true });
    link.start();
    if (signal.aborted) close();
    return promise.finally(() => signal.removeEventListener("abort", close));
  }

  #linked(relayId: NodeId): void {
    this.#relayId = relayId;
    this.#state = "linked";
    this.#lastError = null;
    this.#parts.events.settle("relay");
    this.#tried.resolve();
    this.#parts.linked();
  }

  #tell({ code, why }: LinkEnd): void {
    const { url } = this.#address;
    this.#state = code === "replaced" ? "replaced" : "trying";
    this.#lastError = code;
    const what = WARNINGS[code];
    if (what === undefined) return;
    const because = why === undefined ? "" : ` (${why})`;
    this.#parts.events.warn("relay", `Relay ${url}: ${what}${because}`);
  }
}

/** What hinders a link, and what there is to do about it where that is known. */
function reasonOf({ code, message }: OpenRedError): string {
  if (code !== "url_refused") return message;
  return `${message}; --allow-private lets this node call such addresses`;
}

const WARNINGS: Readonly<Partial<Record<LinkEnd["code"], string>>> = {
  replaced:
    "another running node has this one's keys, and has taken its place there. Stop one of " +
    "the two, and start the other again",
  occupied: "another running node has this one's keys, and is linked there",
  full: "it takes no more nodes now",
  forbidden: "it does not take this node; ask its operator, or use another one",
  proof_invalid:
    "it does not take this node's proof; is this the URL that the relay has for itself, " +
    "and its id?",
  other_relay:
    "it is not the relay that was expected there. If it has a new identity on purpose, " +
    "name that with --relay URL#ID",
  unreachable: "there is no link to it, so others cannot call this node",
};
