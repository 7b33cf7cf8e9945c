/**
 * From a request to a call of the directory, and from its result to an answer.
 *
 * @module
 */
import { PROOF_HEADER, type RelaysAnswer } from "../protocol/directory_api.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { JSON_HEAD, jsonResponse } from "../protocol/http.ts";
import { MAX_NAMED_RELAYS } from "../protocol/limits.ts";
import { METRICS_TYPE } from "../protocol/metrics.ts";
import { TextAnswer } from "../protocol/text_answer.ts";
import { discover } from "./discover.ts";
import { LookUps, ownAnswer } from "./lookup.ts";
import { describeApi } from "./openapi.ts";
import { passingPeer } from "./passing_peer.ts";
import { PageCache } from "./page_cache.ts";
import type { DirectoryParts } from "./parts.ts";
import { Registrar } from "./register.ts";
import { readRequestBody } from "./request_body.ts";
import { Introducer } from "./request_connection.ts";
import type { RouteName } from "./routes.ts";

/** What a handler is told of a request besides the request itself. */
export interface Asked {
  /** The parameter of the path, or empty. */
  readonly id: string;
  /** Whom the address it came from stands for. */
  readonly source: string;
}

export type RouteHandler = (request: Request, asked: Asked) => Response | Promise<Response>;

export type DirectoryHandlers = Readonly<Record<RouteName, RouteHandler>>;

function jsonText(text: string): Response {
  return new TextAnswer(JSON_HEAD, text).asResponse();
}

function searchOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at + 1);
}

/** Its own first, with the id that it has as well. */
function namedRelays({ config, own }: DirectoryParts): RelaysAnswer {
  const { isRelay, url, relays, relayIds } = config;
  const named = relays.filter((relay) => !isRelay || relay !== url).map((relay) => {
    const id = relayIds?.get(relay);
    return id === undefined ? { url: relay } : { url: relay, id };
  });
  const all = isRelay ? [{ url, id: own.id }, ...named] : named;
  return { relays: all.slice(0, MAX_NAMED_RELAYS) };
}

/** Makes the handler of every route. @param metricsText Everything counted and measured. */
export function createHandlers(
  parts: DirectoryParts,
  { metricsText }: { readonly metricsText: () => Promise<string> },
): DirectoryHandlers {
  const { clock, config, own, store } = parts;
  const perIdentity = parts.limits.rate({
    name: "identity",
    perMinute: config.limits.identityPerMinute,
    what: "of one identity",
  });
  const registrar = new Registrar(parts, perIdentity);
  const introducer = new Introducer(parts, perIdentity);
  const pages = new PageCache(clock, store);
  const lookUps = new LookUps(parts);
  const startedMs = clock.monotonicMs();
  const api = JSON.stringify(describeApi(config));
  const relays = JSON.stringify(namedRelays(parts));
  return {
    async register(request, { source }) {
      const body = await readRequestBody(clock, request);
      const peer = await passingPeer(parts, { headers: request.headers, body });
      return jsonResponse(await registrar.register({ body, source, peer }), 201);
    },
    async requestConnection(request, { source }) {
      const body = await readRequestBody(clock, request);
      const proof = request.headers.get(PROOF_HEADER);
      return jsonResponse(await introducer.introduce({ proof, body, source }));
    },
    async discover(request) {
      const search = searchOf(request.url);
      const make = () => discover(parts, new URLSearchParams(search));
      return jsonText(await pages.text(search, make));
    },
    lookUp(_request, { id }) {
      return id === own.id ? jsonResponse(ownAnswer(own)) : lookUps.answer(id);
    },
    relays() {
      return jsonText(relays);
    },
    async health() {
      const { active, stale, dormant } = await store.countNodes();
      return jsonText(JSON.stringify({
        status: "ok",
        version: config.version,
        directory_id: own.id,
        nodes: active + stale + dormant,
        uptime_s: Math.floor((clock.monotonicMs() - startedMs) / 1000),
      }));
    },
    async metrics() {
      if (config.hidesMetrics === true) {
        throw new OpenRedError("not_found", "Metrics have a listener of their own here");
      }
      return new Response(await metricsText(), { headers: { "content-type": METRICS_TYPE } });
    },
    openapi() {
      return jsonText(api);
    },
  };
}
