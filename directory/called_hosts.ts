/**
 * How often and how many at a time one host is called (docs/PROTOCOL.md, "Limits").
 *
 * @module
 */
import type { NodeId } from "../crypto/encoding.ts";
import { OpenRedError } from "../protocol/errors.ts";
import type { DirectoryLimits } from "./config.ts";
import { relayOf } from "../protocol/relay.ts";
import type { Limiter, Limits, Rooms } from "./limiters.ts";

/** How long somebody should wait for a call under way to end. */
const IN_FLIGHT_RETRY_MS = 1_000;

/**
 * What the limits count by: the host name. A loopback address is counted together with its port, since
 * whoever allows those runs several nodes behind one.
 * @returns Empty for an empty URL.
 */
export function calledHost(apiUrl: string): string {
  if (apiUrl === "") return "";
  const { hostname, host } = new URL(apiUrl);
  return /^127\.|^\[::1\]$|^localhost$/.test(hostname) ? host : hostname;
}

/**
 * What a call to a node counts by: its host; behind a relay on the operator's list the node itself.
 * @param apiUrl As in the record of `id`: what is below the relay has to be this very id.
 */
export function calledPlace(
  { apiUrl, id }: { readonly apiUrl: string; readonly id: string },
  relays: readonly string[],
): { readonly place: string; readonly relay: string | null } {
  const relay = relayOf(apiUrl, id);
  if (relay === null || !relays.includes(relay)) return { place: calledHost(apiUrl), relay: null };
  return { place: apiUrl, relay };
}

/** A call to the URL of a node, and who wants it. */
export interface HostCall {
  readonly apiUrl: string;
  /**
   * `claimed`: a record says that `id` is there, which anybody can say of anybody's host. `own`: `id`, known to be
   * there, wants it. `wanted`: somebody wants to be introduced to `id`, known to be there.
   */
  readonly why: "claimed" | "own" | "wanted";
  readonly id: NodeId;
  /** Whom the address of the request stands for. */
  readonly source: string;
}

/** Ids that are new at a relay cost nothing to make: their calls take none from the nodes that are behind it. */
function laneOfRelay(relay: string, why: HostCall["why"]): string {
  return why === "claimed" ? `claimed ${relay}` : relay;
}

/** Of what a host or an id is allowed, one address can use up this part. */
const SOURCE_PART = 1 / 3;

/** How many times the limit all nodes of one host are called together. */
const KNOWN_PER_HOST = 10;

/**
 * Counts the calls to each host. What strangers say of a host, what they want of a node, and what the node wants are
 * counted apart, so that nobody uses up what is somebody else's.
 */
export class CalledHosts {
  readonly #rooms: Rooms;
  readonly #maxInFlight: number;
  readonly #perLane: Limiter;
  readonly #perSource: Limiter;
  readonly #perHost: Limiter;
  readonly #perRelay: Limiter;
  readonly #relays: readonly string[];
  #underWay = 0;

  constructor(
    shared: Limits,
    { limits, relays }: {
      readonly limits: Pick<DirectoryLimits, "hostInFlight" | "hostPerMinute" | "relayPerMinute">;
      readonly relays: readonly string[];
    },
  ) {
    const { hostInFlight, hostPerMinute, relayPerMinute } = limits;
    this.#relays = relays;
    this.#rooms = shared.rooms;
    this.#maxInFlight = hostInFlight;
    this.#perLane = shared.rate({ name: "lane", perMinute: hostPerMinute, what: "to this host" });
    this.#perSource = shared.rate({
      name: "lane_source",
      perMinute: Math.ceil(hostPerMinute * SOURCE_PART),
      what: "to this host for one address",
    });
    this.#perHost = shared.rate({
      name: "host",
      perMinute: hostPerMinute * KNOWN_PER_HOST,
      what: "to all nodes of this host",
    });
    this.#perRelay = shared.rate({
      name: "relay",
      perMinute: relayPerMinute,
      what: "to nodes of this relay",
    });
  }

  /** Calls that are under way, to all hosts. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Runs one call to the host of a URL.
   * @throws {OpenRedError} `rate_limited`, or what `run` throws.
   */
  async call<T>(call: HostCall, run: () => Promise<T>): Promise<T> {
    const { place: host, relay } = calledPlace(call, this.#relays);
    const lane = `${call.why} ${call.why === "claimed" ? host : call.id}`;
    const entered = [{ place: lane, max: this.#maxInFlight }];
    if (call.why !== "claimed") {
      entered.push({ place: host, max: this.#maxInFlight * KNOWN_PER_HOST });
    }
    const leave = await this.#rooms.enter(entered);
    if (leave === null) {
      throw new OpenRedError("rate_limited", "Too many calls to this host are under way", {
        retryAfterMs: IN_FLIGHT_RETRY_MS,
      });
    }
    this.#underWay += 1;
    try {
      if (call.why !== "own") await this.#perSource.check(`${lane} ${call.source}`);
      await this.#perLane.check(lane);
      if (call.why !== "claimed") await this.#perHost.check(host);
      if (relay !== null) await this.#perRelay.check(laneOfRelay(relay, call.why));
      return await run();
    } finally {
      this.#underWay -= 1;
      leave();
    }
  }
}
