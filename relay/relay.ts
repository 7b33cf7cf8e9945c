/**
 * A relay as a whole, composed of ports: nodes keep a link to it, and others call them by its URL.
 *
 * @module
 */
import type { RequestSource } from "../ports/ports.ts";
import { addressSource } from "../protocol/address_source.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { jsonResponse, problemResponse } from "../protocol/http.ts";
import type { MetricFamily } from "../protocol/metrics.ts";
import { linkPageFileOf, RELAY_PATH, relayedTarget } from "../protocol/relay.ts";
import { Calls } from "./calls.ts";
import type { RelayConfig } from "./config.ts";
import { RelayCounts } from "./counts.ts";
import { Gate } from "./gate.ts";
import { LinkedNodes } from "./linked_nodes.ts";
import { Paces } from "./paces.ts";
import type { RelayParts, RelayPorts } from "./parts.ts";
import { Sources } from "./sources.ts";
import { Unread } from "./unread.ts";

/** Nodes come back within so long, and for each of many a little more. */
const LEAST_RETURN_MS = 5_000;
const RETURN_MS_PER_NODE = 20;

/** Passes bytes between nodes and whoever calls them. */
export interface Relay {
  /** Nodes with a link. */
  readonly size: number;
  /** Bytes that wait for whoever reads slowly. */
  readonly unreadBytes: number;
  /** What it counts and measures. */
  numbers(): readonly MetricFamily[];
  /** Answers a request, or `null` where its path is none of the relay's. Never rejects. */
  handle(request: Request, source: RequestSource): Response | Promise<Response> | null;
  /** Tells every node to come back a little later. */
  stop(): void;
}

/** Composes a relay, which answers at once. */
export async function createRelay(ports: RelayPorts, config: RelayConfig): Promise<Relay> {
  return new RelayService(ports, { config, sources: await Sources.create(ports) });
}

class RelayService implements Relay {
  readonly #parts: RelayParts;
  readonly #base: string;
  readonly #nodes: LinkedNodes;
  readonly #gate: Gate;
  readonly #calls: Calls;

  constructor(
    ports: RelayPorts,
    { config, sources }: { readonly config: RelayConfig; readonly sources: Sources },
  ) {
    const { limits } = config;
    const { clock } = ports;
    const counts = new RelayCounts();
    this.#parts = {
      ...ports,
      config,
      counts,
      paces: new Paces({ clock, counts }, limits),
      unread: new Unread(limits.unreadBytes),
    };
    this.#base = new URL(config.url).pathname.replace(/\/$/, "");
    this.#nodes = new LinkedNodes(clock, { allowed: config.allowed, maxNodes: limits.nodes });
    this.#gate = new Gate(this.#parts, this.#nodes);
    this.#calls = new Calls(this.#parts, this.#nodes, sources);
  }

  get size(): number {
    return this.#nodes.size;
  }

  get unreadBytes(): number {
    return this.#parts.unread.bytes;
  }

  numbers(): readonly MetricFamily[] {
    return this.#parts.counts.families({ links: this.size, unreadBytes: this.unreadBytes });
  }

  handle(request: Request, { address }: RequestSource): Response | Promise<Response> | null {
    const target = targetOf(request.url);
    return this.#route(request, { target, address }) ??
      (this.#base !== "" && target.startsWith(`${this.#base}/`)
        ? this.#route(request, { target: target.slice(this.#base.length), address })
        : null);
  }

  #route(
    request: Request,
    { target, address }: { readonly target: string; readonly address: string },
  ): Response | Promise<Response> | null {
    const source = () =>
      addressSource(this.#parts.config.trustedProxies.clientOf(address, request));
    try {
      if (target === RELAY_PATH) return this.#link(request, source());
      const to = relayedTarget(target);
      if (to === null) return null;
      const file = linkPageFileOf(to.target);
      if (file !== null) {
        return this.#page(request, { file, source: source() }).catch((error) =>
          this.#problem(error)
        );
      }
      return this.#calls.pass(request, { ...to, source: source() }).catch((error) =>
        this.#problem(error)
      );
    } catch (error) {
      return this.#problem(error);
    }
  }

  #link(request: Request, source: string): Response {
    if (request.method !== "GET") {
      throw new OpenRedError("method_not_allowed", "This path takes GET");
    }
    if (!request.headers.has("upgrade")) return jsonResponse({ relay: this.#parts.own.text });
    if (request.headers.has("origin")) {
      throw new OpenRedError("forbidden", "A link is not for web pages");
    }
    return this.#gate.accept(request, source);
  }

  /** The page of a link is the relay's own, the same for every node: it runs nothing that a node wrote. */
  async #page(
    { method }: Request,
    { file, source }: { readonly file: string; readonly source: string },
  ): Promise<Response> {
    this.#calls.count(source);
    const answer = await this.#parts.linkPage?.(file) ?? null;
    if (answer === null) throw new OpenRedError("not_found", "There is nothing here");
    if (method === "GET") return answer;
    throw new OpenRedError("method_not_allowed", "This path takes GET");
  }

  #problem(error: unknown): Response {
    if (error instanceof OpenRedError) {
      this.#parts.counts.refusal(error.code);
      return problemResponse(error);
    }
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.#parts.log.log("error", "request_failed", { text });
    return problemResponse(new OpenRedError("internal", "The relay failed"));
  }

  stop(): void {
    const { random } = this.#parts;
    const spanMs = LEAST_RETURN_MS + RETURN_MS_PER_NODE * this.#nodes.size;
    const part = () => new DataView(random.bytes(4).buffer).getUint32(0) / 2 ** 32;
    this.#nodes.sayByeToAll(() => Math.round(spanMs * part()));
  }
}

/** The raw path of a URL, with its query: nothing of it was decoded or made simpler. */
function targetOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start < 0 ? "/" : url.slice(start);
}
