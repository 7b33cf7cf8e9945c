/**
 * The relay through which others reach this node: a link that is opened again whenever it ends.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { Channel, HttpClient, Random } from "../../ports/ports.ts";
import { sleep } from "../../ports/sleep.ts";
import type { RelayView } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CALL_TIMEOUT_MS, MAX_RELAY_FRAME_BYTES } from "../../protocol/limits.ts";
import { RELAY_PATH } from "../../protocol/relay.ts";
import type { NamedRelay } from "../directories/directories.ts";
import { Backoff, uniform } from "../timing/backoff.ts";
import { type LinkEnd, NodeLink, type NodeLinkParts } from "./node_link.ts";
import type { CandidateRelay, RelayChoice } from "./relay_choice.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** All nodes of a relay that died come back within so long, at random. */
const RETURN_MS = 5_000;
const INSTANCE_BYTES = 16;
/** How long a relay that was used may be away before another one takes its place. */
const AWAY_MS = 60_000;
/** What does not change by waiting. */
const REFUSALS: readonly LinkEnd["code"][] = ["full", "forbidden", "proof_invalid", "other_relay"];

export interface OwnRelayParts extends NodeLinkParts {
  readonly random: Random;
  readonly http: HttpClient;
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
  readonly choice: RelayChoice;
  /** Asks the directories for relays. */
  readonly named: (signal: AbortSignal) => Promise<readonly NamedRelay[]>;
  /** Called whenever there is a link to the relay at a URL. */
  readonly linked: (url: string) => void;
}

/** Keeps a link to a relay: always the same one, or another where that is gone and the owner left the choice. */
export class OwnRelay {
  readonly #parts: OwnRelayParts;
  readonly #instance: string;
  readonly #stop = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  #state: RelayView["state"] = "trying";
  #lastError: string | null = null;
  #relayId: NodeId | null = null;
  #passesLinks = false;
  #running: Promise<void> = Promise.resolve();
  /** Relays to try before the next pause; `null` while the chosen one is given time. */
  #round: NamedRelay[] | null = null;
  #awaySinceMs: number;

  constructor(parts: OwnRelayParts) {
    this.#parts = parts;
    this.#awaySinceMs = parts.clock.monotonicMs();
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

  get isLinked(): boolean {
    return this.#state === "linked";
  }

  view(): RelayView {
    return {
      url: this.#parts.choice.current.url,
      named_by: this.#parts.choice.current.namedBy,
      relay_id: this.#relayId,
      state: this.#state,
      last_error: this.#lastError,
      passes_links: this.#passesLinks,
    };
  }

  async #run(): Promise<void> {
    const { clock, random, choice } = this.#parts;
    const backoff = new Backoff(random, { firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS });
    const isUnmet = choice.isFree && !choice.isProven;
    let address: CandidateRelay = (isUnmet ? await this.#nextNamed() : null) ?? choice.current;
    for (;;) {
      const end = await this.#linkOnce(address);
      if (this.#stop.signal.aborted) return;
      if (end.wasLinked) {
        backoff.reset();
        this.#round = null;
        this.#awaySinceMs = clock.monotonicMs();
      }
      this.#tell(address.url, end);
      if (end.code === "replaced") return;
      const other = this.#isToLeave(end) ? await this.#nextNamed() : null;
      address = other ?? choice.current;
      if (other !== null) continue;
      this.#round = null;
      this.#tried.resolve();
      const broke = end.wasLinked && end.code === "unreachable";
      const leastMs = broke ? uniform(random) * RETURN_MS : backoff.next();
      await sleep(clock, Math.max(leastMs, end.retryAfterMs), this.#stop.signal);
    }
  }

  /** Whether it is time to look for another relay, or other ones are being tried. */
  #isToLeave({ code }: LinkEnd): boolean {
    const { choice, clock } = this.#parts;
    if (!choice.isFree || this.#stop.signal.aborted) return false;
    if (this.#round !== null || !choice.isProven || REFUSALS.includes(code)) return true;
    return clock.monotonicMs() - this.#awaySinceMs >= AWAY_MS;
  }

  /** @returns `null` once each that the directories name now was tried. */
  async #nextNamed(): Promise<NamedRelay | null> {
    const { choice, named } = this.#parts;
    this.#round ??= choice.others(await named(this.#stop.signal));
    return this.#round.shift() ?? null;
  }

  async #linkOnce(address: CandidateRelay): Promise<LinkEnd> {
    const { url } = address;
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
      return await this.#hold(address, channel);
    } catch (error) {
      if (!(error instanceof OpenRedError) && !signal.aborted) throw error;
      const none = { code: "unreachable", retryAfterMs: 0, wasLinked: false } as const;
      return error instanceof OpenRedError ? { ...none, why: error.message } : none;
    }
  }

  /** Uses a link until it ends. */
  #hold(address: CandidateRelay, channel: Channel): Promise<LinkEnd> {
    const { signal } = this.#stop;
    const { promise, resolve } = Promise.withResolvers<LinkEnd>();
    const link = new NodeLink(this.#parts, {
      address,
      instance: this.#instance,
      channel,
      linked: (relayId, passesLinks) => this.#linked(address, { relayId, passesLinks }),
      ended: resolve,
    });
    const close = () => link.close();
    signal.addEventListener("abort", close, { once: true });
    link.start();
    if (signal.aborted) close();
    return promise.finally(() => signal.removeEventListener("abort", close));
  }

  #linked(
    address: CandidateRelay,
    { relayId, passesLinks }: { readonly relayId: NodeId; readonly passesLinks: boolean },
  ): void {
    const { background, choice, events, linked } = this.#parts;
    background.run("relay_choice", choice.take(address, relayId));
    this.#relayId = relayId;
    this.#passesLinks = passesLinks;
    this.#state = "linked";
    this.#lastError = null;
    events.settle("relay");
    this.#tried.resolve();
    linked(address.url);
  }

  #tell(url: string, { code, why }: LinkEnd): void {
    this.#state = code === "replaced" ? "replaced" : "trying";
    this.#lastError = code;
    const what = WARNINGS[code];
    if (what === undefined) return;
    const because = why === undefined ? "" : ` (${why})`;
    this.#parts.events.warn("relay", `Relay ${url}: ${what}${because}`);
  }
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
