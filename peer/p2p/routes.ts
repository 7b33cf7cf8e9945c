/**
 * What a node answers to everybody: identity, envelopes, handshakes, frames, channels.
 *
 * @module
 */
import { Hono } from "hono";
import { decodeBase64Url, encodeBase64Url, isNodeId, type NodeId } from "../../crypto/encoding.ts";
import { type CryptoCore, CryptoError, type KeyRef } from "../../crypto/interface.ts";
import type { ChannelUpgrader, Clock, Log, RequestSource } from "../../ports/ports.ts";
import { RateLimit } from "../../ports/rate_limits.ts";
import { addressSource } from "../../protocol/address_source.ts";
import { IDENTITY_PATH, RECEIVE_PATH, receiveRequestSchema } from "../../protocol/directory_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import {
  jsonResponse,
  type JudgeBody,
  problemResponse,
  queryOf,
  readBodyInTime,
} from "../../protocol/http.ts";
import {
  MAX_ANSWER_BYTES,
  MAX_HANDSHAKE_BYTES,
  MAX_MESSAGE_REQUEST_BYTES,
} from "../../protocol/limits.ts";
import {
  CALL_PATHS,
  CHANNEL_PATH,
  HANDSHAKE_PATH,
  handshakeRequestSchema,
  MESSAGE_PATH,
  messageRequestSchema,
} from "../../protocol/peer_api.ts";
import { parseGrowing, parseJson } from "../../protocol/schemas.ts";
import type { TrustedProxies } from "../../protocol/trusted_proxies.ts";
import type { Directories } from "../directories/directories.ts";
import { faultResponse, faultText } from "../events/faults.ts";
import type { OwnRecord } from "../own/own_record.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { logStorageFailure } from "../store/store.ts";
import type { ChannelPool } from "./channels.ts";

const MAX_CONCURRENT_REQUESTS = 512;
const IDENTITIES_PER_MINUTE = 120;
const ENVELOPES_PER_MINUTE = 600;
const CHANNELS_PER_MINUTE = 120;

/** How a body of `/p2p/message` begins whose session can be looked up before the rest has come. */
const SESSION_FIRST = /^\s*\{\s*"session_id"\s*:\s*"([A-Za-z0-9_-]{22})"/;
const MAX_BEGIN_BYTES = 64;
/** A body of `/p2p/message` that begins in another way. */
const MAX_UNJUDGED_BYTES = 16 * 1024;

/** Names the limit as whoever is refused knows it. */
function perAddress({ clock }: Pick<RouteParts, "clock">, perMinute: number): RateLimit {
  return new RateLimit(clock, { perMinute, what: "from one address" });
}

function sessionUnknown(): OpenRedError {
  return new OpenRedError("session_unknown", "This session is not known here");
}

export interface RouteParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly log: Log;
  readonly upgrader: ChannelUpgrader;
  readonly ownRecord: OwnRecord;
  readonly directories: Directories;
  readonly sessions: Sessions;
  readonly channels: ChannelPool;
  readonly calls: {
    /** Whether a module runs that answers calls of this type. */
    serves(type: string): boolean;
  };
  readonly publicRoutes: {
    /** @returns `null` where no module has anything at this path. */
    answer(
      request: Request,
      of: { readonly path: string; readonly source: string; readonly isRelayed: boolean },
    ): Promise<Response | null>;
  };
  /** Of peers that were decided about, by peer; those that come as frames count as well. */
  readonly peerHandshakes: RateLimit;
  readonly own: { readonly id: NodeId; readonly key: KeyRef };
}

type Env = { Bindings: { source: RequestSource } };
type Handler = (request: Request, source: RequestSource) => Promise<Response> | Response;

/** The public API of one node. */
export class PeerApi {
  readonly #parts: RouteParts;
  readonly #app = new Hono<Env>();
  readonly #prefix: string;
  readonly #trustedProxies: TrustedProxies;
  readonly #identities: RateLimit;
  readonly #envelopes: RateLimit;
  /** Of strangers, on pairs that are there. */
  readonly #handshakes: RateLimit;
  /** On pairs that nobody here has. */
  readonly #lostHandshakes: RateLimit;
  readonly #upgrades: RateLimit;
  #concurrent = 0;

  constructor(
    parts: RouteParts,
    config: { apiUrl: string; handshakesPerMinute: number; trustedProxies: TrustedProxies },
  ) {
    this.#parts = parts;
    this.#trustedProxies = config.trustedProxies;
    this.#prefix = new URL(config.apiUrl).pathname.replace(/\/$/, "");
    this.#identities = perAddress(parts, IDENTITIES_PER_MINUTE);
    this.#envelopes = perAddress(parts, ENVELOPES_PER_MINUTE);
    this.#handshakes = perAddress(parts, config.handshakesPerMinute);
    this.#lostHandshakes = perAddress(parts, config.handshakesPerMinute);
    this.#upgrades = perAddress(parts, CHANNELS_PER_MINUTE);
    this.#route("GET", IDENTITY_PATH, (request, source) => this.#identity(request, source));
    this.#route("POST", RECEIVE_PATH, (request, source) => this.#receive(request, source));
    this.#route("POST", HANDSHAKE_PATH, (request, source) => this.#handshake(request, source));
    this.#route("POST", MESSAGE_PATH, (request) => this.#message(request));
    this.#route("GET", CHANNEL_PATH, (request, source) => this.#channel(request, source));
    for (const [type, path] of CALL_PATHS) this.#routeCall(type, path);
    this.#app.notFound((context) => this.#public(context.req.raw, context.env.source));
    this.#app.onError((error) => this.#problem(error));
  }

  /** Answers one request. Never rejects. Whatever is counted by source is counted for a whole IPv6 /64. */
  async handle(request: Request, { address, isName = false }: RequestSource): Promise<Response> {
    try {
      this.#checkConcurrent();
      const client = isName
        ? address
        : addressSource(this.#trustedProxies.clientOf(address, request));
      this.#concurrent += 1;
      try {
        return await this.#app.fetch(request, { source: { address: client, isName } });
      } finally {
        this.#concurrent -= 1;
      }
    } catch (error) {
      return this.#problem(error);
    }
  }

  /** @throws {OpenRedError} `overloaded`. */
  #checkConcurrent(): void {
    if (this.#concurrent < MAX_CONCURRENT_REQUESTS) return;
    throw new OpenRedError("overloaded", "Too many requests at once", { retryAfterMs: 1_000 });
  }

  /** With the path of the node's URL and without: a proxy may take it off. */
  #pathsOf(path: string): string[] {
    return [...new Set([this.#prefix + path, path])];
  }

  #route(method: "GET" | "POST", path: string, handler: Handler): void {
    for (const whole of this.#pathsOf(path)) {
      this.#app.on(method, whole, (context) => handler(context.req.raw, context.env.source));
      this.#app.all(
        whole,
        () => problemResponse(new OpenRedError("method_not_allowed", `This path takes ${method}`)),
      );
    }
  }

  /** A path whose type no running module answers is one that is not there. */
  #routeCall(type: string, path: string): void {
    for (const whole of this.#pathsOf(path)) {
      this.#app.use(whole, async (_context, next) => {
        if (!this.#parts.calls.serves(type)) throw nothingHere();
        await next();
      });
    }
    this.#route("POST", path, (request) => this.#call(request, type));
  }

  /** What modules have for everybody, with the path of the node's URL and without. */
  async #public(
    request: Request,
    { address, isName: isRelayed = false }: RequestSource,
  ): Promise<Response> {
    const { pathname } = new URL(request.url);
    const isBelow = this.#prefix !== "" && pathname.startsWith(`${this.#prefix}/`);
    const path = isBelow ? pathname.slice(this.#prefix.length) : pathname;
    const { publicRoutes } = this.#parts;
    const answer = await publicRoutes.answer(request, { path, source: address, isRelayed });
    return answer ?? problemResponse(nothingHere());
  }

  #problem(error: unknown): Response {
    if (error instanceof OpenRedError) {
      if (error.code === "overloaded") logStorageFailure(this.#parts.log, error);
      else if (error.cause !== undefined) this.#noteCause(error);
      return problemResponse(error);
    }
    this.#parts.log.log("error", "request_failed", { text: faultText(error) });
    return faultResponse();
  }

  /** Only what this house says itself: the runtime's and a library's words quote what a stranger sent. */
  #noteCause(error: OpenRedError): void {
    const { cause } = error;
    const isOwn = cause instanceof OpenRedError || cause instanceof CryptoError;
    const why = isOwn ? cause.message : cause instanceof Error ? cause.name : "";
    this.#parts.log.log("debug", "peer_refused", { code: error.code, why });
  }

  async #identity(request: Request, source: RequestSource): Promise<Response> {
    this.#identities.check(source.address);
    const query = queryOf(request);
    const nonce = query.get("nonce") ?? "";
    const directory = query.get("directory") ?? "";
    if (decodeBase64Url(nonce)?.length !== 16 || !isNodeId(directory)) {
      throw new OpenRedError(
        "bad_request",
        "Expected nonce, 22 characters, and directory, a node id",
      );
    }
    const { crypto, clock, ownRecord, own } = this.#parts;
    const record = await ownRecord.current();
    const payload = JSON.stringify({
      v: 3,
      iss: own.id,
      aud: directory,
      nonce,
      api_url: record.payload.api_url,
      noise_key: encodeBase64Url(record.payload.noise_key),
      iat: Math.floor(clock.nowMs() / 1000),
    });
    const identity = await crypto.signJws({ key: own.key, typ: "openred-identity+jwt", payload });
    return jsonResponse({ record: record.text, identity });
  }

  /**
   * Reads a body. Meanwhile the request is none of those at once: nothing is done for it, the listener counts its bytes,
   * and whoever sends slowly from two addresses would have the places of all.
   * @throws {OpenRedError} `bad_request`, `too_large`, `overloaded`.
   */
  async #readBody(request: Request, limits: { maxBytes: number; judge?: JudgeBody }) {
    this.#concurrent -= 1;
    try {
      const body = await readBodyInTime(request, { ...limits, clock: this.#parts.clock });
      this.#checkConcurrent();
      return body;
    } finally {
      this.#concurrent += 1;
    }
  }

  async #receive(request: Request, source: RequestSource): Promise<Response> {
    this.#envelopes.check(source.address);
    const body = await this.#readBody(request, { maxBytes: MAX_ANSWER_BYTES });
    await this.#parts.directories.receivePush(parseGrowing(receiveRequestSchema, parseJson(body)));
    return jsonResponse({ received: true });
  }

  async #handshake(request: Request, source: RequestSource): Promise<Response> {
    const body = await this.#readBody(request, { maxBytes: MAX_HANDSHAKE_BYTES });
    const message = parseGrowing(handshakeRequestSchema, parseJson(body));
    this.#countHandshake(message.pair_id, source);
    return jsonResponse(await this.#parts.sessions.answer(message));
  }

  /**
   * Counts a message 1 before any work is done for it, in one of three limits: where others come from, a proxy
   * perhaps, does not shut out whom somebody here decided about, nor made-up pairs those of strangers.
   * @throws {OpenRedError} `rate_limited`.
   */
  #countHandshake(pairId: Uint8Array, source: RequestSource): void {
    const caller = this.#parts.sessions.callerOf(pairId);
    if (caller === null) this.#lostHandshakes.check(source.address);
    else if (caller.isDecided) this.#parts.peerHandshakes.check(caller.peer);
    else this.#handshakes.check(source.address);
  }

  /** @throws {OpenRedError} `bad_request`, `too_large`, `session_unknown`, `overloaded`. */
  async #readFrame(request: Request): Promise<Uint8Array> {
    const body = await this.#readBody(request, {
      maxBytes: MAX_MESSAGE_REQUEST_BYTES,
      judge: (begin) => this.#judgeMessage(begin),
    });
    const { session_id, data } = parseGrowing(messageRequestSchema, parseJson(body));
    if (!session_id.every((byte, index) => byte === data[index + 1])) {
      throw new OpenRedError("bad_request", "Member session_id is not the frame's");
    }
    this.#parts.sessions.checkRoom(session_id);
    return data;
  }

  async #message(request: Request): Promise<Response> {
    const verdict = await this.#parts.sessions.receive(await this.#readFrame(request));
    checkOpened(verdict.kind);
    return jsonResponse({ received: true });
  }

  async #call(request: Request, type: string): Promise<Response> {
    const frame = await this.#readFrame(request);
    const verdict = await this.#parts.sessions.receiveCall(frame, type);
    checkOpened(verdict.kind);
    if (verdict.kind !== "answered") return jsonResponse({ received: true });
    return jsonResponse({ received: true, data: encodeBase64Url(verdict.frame) });
  }

  /** Frames of unknown sessions are not worth reading, and only bodies that begin with their session may be long. */
  #judgeMessage(begin: Uint8Array): number {
    const text = SESSION_FIRST.exec(String.fromCharCode(...begin.subarray(0, MAX_BEGIN_BYTES)))
      ?.[1];
    const sessionId = text === undefined ? null : decodeBase64Url(text);
    if (sessionId === null) return MAX_UNJUDGED_BYTES;
    if (!this.#parts.sessions.knows(sessionId)) throw sessionUnknown();
    return MAX_MESSAGE_REQUEST_BYTES;
  }

  #channel(request: Request, source: RequestSource): Response {
    this.#upgrades.check(source.address);
    if (request.headers.has("origin")) {
      throw new OpenRedError("forbidden", "A channel is not for web pages");
    }
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      throw new OpenRedError("bad_request", "This path takes a WebSocket");
    }
    this.#parts.channels.checkRoom(source.address);
    let upgraded: ReturnType<ChannelUpgrader["upgrade"]>;
    try {
      upgraded = this.#parts.upgrader.upgrade(request);
    } catch (cause) {
      throw new OpenRedError("bad_request", "The request is not a WebSocket upgrade", { cause });
    }
    this.#parts.channels.accept(upgraded.channel, source.address);
    return upgraded.response;
  }
}

/** @throws {OpenRedError} `session_unknown`, `frame_rejected`. */
function checkOpened(kind: string): void {
  if (kind === "unknown") throw sessionUnknown();
  if (kind === "refused") throw new OpenRedError("frame_rejected", "The frame was rejected");
}

function nothingHere(): OpenRedError {
  return new OpenRedError("not_found", "There is nothing at this path");
}
