/**
 * What comes through a relay's link: which of it this node takes, and how much at a time.
 *
 * @module
 */
import { encodeBase64Url } from "../../crypto/encoding.ts";
import type { RequestSource } from "../../ports/ports.ts";
import { RateLimit } from "../../ports/rate_limits.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  passesRequest,
  RELAY_CLOSE,
  relayRequestSchema,
  type RelayRoute,
  relayRouteOf,
} from "../../protocol/relay.ts";
import type { RelayStream } from "../../protocol/relay_link.ts";
import { parseGrowing, parseJson } from "../../protocol/schemas.ts";
import type { NodeEvents } from "../events/events.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { Background } from "../timing/background.ts";
import {
  answerChannel,
  type ExchangeParts,
  RelayedExchange,
  type RelayedRequest,
} from "./relayed_exchange.ts";

const MAX_EXCHANGES = 128;
/** What paths for everybody leave to those of sessions. */
const MAX_OTHERS = 96;
/** Of those, what browsers that have links to files may take. */
const MAX_LINKS = 64;
const MAX_CHANNELS = 256;
/** What a relay may bring a minute, whatever it says of where that comes from. */
const OTHERS_PER_MINUTE = 3_000;
const CHANNELS_PER_MINUTE = 600;

export interface CallParts extends ExchangeParts {
  readonly background: Background;
  readonly ownRecord: Pick<OwnRecord, "apiUrl">;
  readonly events: Pick<NodeEvents, "count">;
}

export class RelayedCalls {
  readonly #parts: CallParts;
  readonly #others: RateLimit;
  readonly #channelsPerMinute: RateLimit;
  #exchanges = 0;
  #othersNow = 0;
  #linksNow = 0;
  #channels = 0;

  constructor(parts: CallParts) {
    this.#parts = parts;
    const { clock } = parts;
    const what = "through this relay";
    this.#others = new RateLimit(clock, { perMinute: OTHERS_PER_MINUTE, what });
    this.#channelsPerMinute = new RateLimit(clock, { perMinute: CHANNELS_PER_MINUTE, what });
  }

  /** Takes a stream that a relay opened. Never throws: what is not taken is closed. */
  take(stream: RelayStream, head: Uint8Array, relayId: string): void {
    const { events } = this.#parts;
    try {
      const { route, request } = this.#read(head, relayId);
      const ended = this.#enter(route, relayId);
      events.count(route.kind === "channel" ? "relayed_channels" : "relayed_exchanges");
      const taken = { stream, request, ended };
      const work = route.kind === "channel"
        ? answerChannel(this.#parts, taken)
        : new RelayedExchange(this.#parts, taken).run();
      this.#parts.background.run("relayed", work);
    } catch (error) {
      if (!(error instanceof OpenRedError)) throw error;
      events.count("relayed_refused");
      const isBusy = error.code === "overloaded" || error.code === "rate_limited";
      stream.close(isBusy ? RELAY_CLOSE.busy : RELAY_CLOSE.refused);
    }
  }

  /** @throws {OpenRedError} For a head that no honest relay sends. */
  #read(head: Uint8Array, relayId: string): { route: RelayRoute; request: RelayedRequest } {
    const said = parseGrowing(relayRequestSchema, parseJson(head));
    const route = relayRouteOf(said.method, said.target);
    if (route.kind !== said.kind || (said.method === "GET" && said.length > 0)) {
      throw new OpenRedError("bad_request", "The head of a stream is not of its path");
    }
    const names = Object.keys(said.headers);
    if (!names.every(passesRequest)) {
      throw new OpenRedError("bad_request", "The head of a stream has a header of another kind");
    }
    const { method, target, length, headers } = said;
    const address = `relay ${relayId} ${encodeBase64Url(said.source)}`;
    const source: RequestSource = { address, isName: true };
    // Without the path of the relay, which may be another one than at the start.
    const url = new URL(this.#parts.ownRecord.apiUrl).origin + target;
    return { route, request: { method, url, length, headers, source } };
  }

  /** @returns What gives the place back. @throws {OpenRedError} `overloaded` or `rate_limited`. */
  #enter({ kind, isOfSession, isOfLink }: RelayRoute, relayId: string): () => void {
    const isChannel = kind === "channel";
    if (isChannel ? this.#channels >= MAX_CHANNELS : this.#exchanges >= MAX_EXCHANGES) {
      throw new OpenRedError("overloaded", "Too much at once through the relay");
    }
    const isFull = this.#othersNow >= MAX_OTHERS || (isOfLink && this.#linksNow >= MAX_LINKS);
    if (!isOfSession && isFull) {
      throw new OpenRedError("overloaded", "Too much at once through the relay");
    }
    if (isChannel) this.#channelsPerMinute.check(relayId);
    else if (!isOfSession) this.#others.check(relayId);
    const add = (by: 1 | -1) => {
      if (isChannel) this.#channels += by;
      else this.#exchanges += by;
      if (!isOfSession) this.#othersNow += by;
      if (isOfLink) this.#linksNow += by;
    };
    add(1);
    let isHeld = true;
    return () => {
      if (isHeld) add(-1);
      isHeld = false;
    };
  }
}
