/**
 * A call from anybody to a node behind the relay: where it may go, and what it counts for.
 *
 * @module
 */
import { encodeUtf8, type NodeId } from "../crypto/encoding.ts";
import { RateLimit } from "../ports/rate_limits.ts";
import { OpenRedError } from "../protocol/errors.ts";
import {
  type RelayRequest,
  type RelayRoute,
  relayRouteOf,
  requestHeadersOf,
} from "../protocol/relay.ts";
import { passChannel } from "./channels.ts";
import { passExchange } from "./exchanges.ts";
import type { LinkedNodes } from "./linked_nodes.ts";
import type { RelayParts } from "./parts.ts";
import { Places } from "./places.ts";
import type { Sources } from "./sources.ts";

/** What calls on paths for everybody leave to those of sessions. */
const OTHERS_PART = 3 / 4;
/** What browsers that have links to files leave to everybody else. */
const LINKS_PART = 1 / 2;
/** What one source may have of the places of a node: alone it shuts nobody out. */
const SOURCE_PART = 1 / 2;

type PlacesOfKind = Readonly<Record<"ofNode" | "ofSource" | "ofBoth", Places>>;

/** Takes calls. */
export class Calls {
  readonly #parts: RelayParts;
  readonly #nodes: LinkedNodes;
  readonly #sources: Sources;
  readonly #perMinute: RateLimit;
  readonly #places: Readonly<Record<RelayRoute["kind"], PlacesOfKind>>;

  constructor(parts: RelayParts, nodes: LinkedNodes, sources: Sources) {
    this.#parts = parts;
    this.#nodes = nodes;
    this.#sources = sources;
    const { limits } = parts.config;
    this.#perMinute = new RateLimit(parts.clock, {
      perMinute: limits.callsPerMinute,
      what: "of one address",
    });
    const places = (kind: string, ofNode: number, ofSource: number) => ({
      ofNode: new Places({ max: ofNode, what: `${kind} with this node` }),
      ofSource: new Places({ max: ofSource, what: `${kind} of one address` }),
      ofBoth: new Places({ max: ofNode, what: `${kind} of one address with this node` }),
    });
    this.#places = {
      exchange: places("exchanges", limits.exchangesPerNode, limits.exchangesPerAddress),
      channel: places("channels", limits.channelsPerNode, limits.channelsPerAddress),
    };
  }

  /**
   * Passes a request on.
   * @param to `target`: the raw path below the node's URL, with the query.
   * @throws {OpenRedError} `not_found`, `method_not_allowed`, `length_required`, `bad_request`, `rate_limited`,
   *   `overloaded`, `unreachable`.
   */
  async pass(
    request: Request,
    to: { readonly id: NodeId; readonly target: string; readonly source: string },
  ): Promise<Response> {
    const { id, target, source } = to;
    const route = relayRouteOf(request.method, target);
    if (route.isOfLink && this.#parts.linkPage === null) {
      throw new OpenRedError("not_found", "This relay passes no links to files on");
    }
    const length = lengthOf(request);
    this.count(source);
    const node = this.#nodes.find(id);
    if (node === null) throw new OpenRedError("unreachable", "This node has no link to the relay");
    const leave = this.#enter(route, { id, source });
    this.#parts.counts.call(route.kind);
    try {
      const head: RelayRequest = {
        kind: route.kind,
        method: route.method,
        target,
        length,
        headers: requestHeadersOf(request.headers),
        source: this.#sources.nameFor(id, source),
      };
      const call = { request, route, node, source, length, head: headOf(head) };
      return await (route.kind === "channel"
        ? passChannel(this.#parts, call, leave)
        : passExchange(this.#parts, call, leave));
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Counts a call of a source. @throws {OpenRedError} `rate_limited`. */
  count(source: string): void {
    this.#perMinute.check(source);
  }

  #enter(
    { kind, isOfSession, isOfLink }: RelayRoute,
    { id, source }: { readonly id: string; readonly source: string },
  ): () => void {
    const { ofNode, ofSource, ofBoth } = this.#places[kind];
    const taken: (() => void)[] = [];
    const leave = () => taken.forEach((leaveOne) => leaveOne());
    try {
      const part = isOfLink ? LINKS_PART : OTHERS_PART;
      taken.push(ofNode.take(id, isOfSession ? 1 : part));
      taken.push(ofSource.take(source));
      taken.push(ofBoth.take(`${id} ${source}`, SOURCE_PART));
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }
}

function headOf(head: RelayRequest): Uint8Array {
  return encodeUtf8(JSON.stringify(head));
}

/**
 * The length of a body as its sender names it.
 * @throws {OpenRedError} `length_required` for a body without one.
 */
function lengthOf({ method, headers }: Request): number {
  const length = headers.get("content-length");
  if (headers.has("transfer-encoding") || (length === null && method !== "GET")) {
    throw new OpenRedError("length_required", "A relay takes bodies that name their length");
  }
  if (method === "GET" && Number(length ?? 0) > 0) {
    throw new OpenRedError("bad_request", "This path takes no body");
  }
  return Number(length ?? 0);
}
