/**
 * The network of a simulation: hosts by their origin, faults by link.
 *
 * @module
 */
import type { HttpClient, Resolver } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { EventLoop } from "./event_loop.ts";
import { Exchange } from "./exchange.ts";
import type { SeededRandom } from "../world/seeded_random.ts";
import type { Trace } from "./trace.ts";
import { type ChannelLink, openVirtualChannel } from "./virtual_channel.ts";
import type { VirtualHost, VirtualProcess } from "./virtual_process.ts";
import {
  CLEAN_LINK,
  type LinkFaults,
  type Tamper,
  type WireMessage,
  type WireTap,
} from "./wire.ts";

const MAX_DELAY_MS = 10_000;

export class VirtualNetwork {
  readonly loop: EventLoop;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly taps: WireTap[] = [];
  /** Asked in turn; the first that does not say `null` decides. */
  readonly tampers: Tamper[] = [];
  /** Who asks for an upgrade, by `sec-websocket-key`. */
  readonly upgrading = new Map<string, VirtualProcess>();
  /** Upgraded requests whose answer is still under way, by `sec-websocket-key`. */
  readonly upgraded = new Map<string, ChannelLink>();
  /** What becomes of a message on a channel: the messages that arrive in its place. */
  tamperMessage: ((message: WireMessage) => Uint8Array<ArrayBuffer>[]) | null = null;
  /** How many of the pieces of long answers come with a bit that is another one. */
  flipRate = 0;
  /** Faults of every link. */
  faults: LinkFaults = CLEAN_LINK;
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #names = new Map<string, string>();
  readonly #cuts = new Set<string>();
  #calls = 0;

  constructor(options: { loop: EventLoop; random: SeededRandom; trace: Trace }) {
    this.loop = options.loop;
    this.random = options.random;
    this.trace = options.trace;
  }

  addHost(host: VirtualHost): void {
    this.#hosts.set(host.origin, host);
    this.#names.set(new URL(host.origin).hostname, host.address);
  }

  /** The host that a URL leads to. */
  findHost(url: string): VirtualHost | null {
    return this.#hosts.get(new URL(url).origin) ?? null;
  }

  nextCallId(): number {
    return ++this.#calls;
  }

  /** Cuts the link between two hosts, both ways. */
  cut(a: string, b: string): void {
    this.trace.add("network", `cut ${a} – ${b}`);
    this.#cuts.add(`${a} ${b}`).add(`${b} ${a}`);
  }

  join(a: string, b: string): void {
    this.trace.add("network", `join ${a} – ${b}`);
    this.#cuts.delete(`${a} ${b}`);
    this.#cuts.delete(`${b} ${a}`);
  }

  /** Ends all faults and cuts. Who tampers goes on. */
  heal(): void {
    this.trace.add("network", "all links healed");
    this.#cuts.clear();
    this.faults = CLEAN_LINK;
    this.flipRate = 0;
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(`${from} ${to}`);
  }

  isLost(from: string, to: string): boolean {
    return this.random.chance(this.faults.lossRate) || this.isCut(from, to);
  }

  /** How long the next message takes. */
  drawLatencyMs(): number {
    const { leastLatencyMs, mostLatencyMs, delayRate } = this.faults;
    const delayMs = this.random.chance(delayRate) ? this.random.between(0, MAX_DELAY_MS) : 0;
    return this.random.between(leastLatencyMs, mostLatencyMs) + delayMs;
  }

  /** The network as one process sees it. */
  clientFor(process: VirtualProcess): HttpClient {
    return {
      request: (request) =>
        new Promise((resolve, reject) => {
          const exchange = new Exchange(this, process, {
            ...request,
            ended: (answer) => resolve(answer),
            failed: reject,
          });
          exchange.start();
        }),
      openChannel: (options) => openVirtualChannel(this, process, options),
    };
  }

  resolver(): Resolver {
    return {
      resolve: (host) => {
        const address = this.#names.get(host);
        return address === undefined
          ? Promise.reject(new OpenRedError("unreachable", "No such host"))
          : Promise.resolve([address]);
      },
    };
  }
}
