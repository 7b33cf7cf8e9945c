/**
 * The calls a node makes to one directory.
 *
 * @module
 */
import type * as v from "valibot";
import { encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { CryptoCore, KeyRef } from "../../crypto/interface.ts";
import type { Clock, HttpAnswer, HttpClient, Random } from "../../ports/ports.ts";
import {
  type ConnectionAnswer,
  connectionAnswerSchema,
  DISCOVER_PATH,
  type DiscoverAnswer,
  discoverAnswerSchema,
  namedRelaySchema,
  type NodeAnswer,
  nodeAnswerSchema,
  NODES_PATH,
  problemSchema,
  PROOF_HEADER,
  REGISTER_PATH,
  type RegisterAnswer,
  registerAnswerSchema,
  RELAYS_PATH,
  type RelaysAnswer,
  relaysAnswerSchema,
  REQUEST_CONNECTION_PATH,
} from "../../protocol/directory_api.ts";
import { ERROR_STATUS, type ErrorCode, OpenRedError } from "../../protocol/errors.ts";
import {
  CALL_TIMEOUT_MS,
  MAX_ANSWER_BYTES,
  MAX_DISCOVER_ANSWER_BYTES,
} from "../../protocol/limits.ts";
import { reasonOfStatus, unreachable } from "../../protocol/unreachable.ts";
import { parseGrowing, parseInput, parseJson, understoodEntries } from "../../protocol/schemas.ts";
import { PROOF_JTI_BYTES, signProof } from "../../protocol/statements.ts";

/** A directory calls both nodes before it answers; each call may take its own time-out. */
const CONNECT_TIMEOUT_MS = 3 * CALL_TIMEOUT_MS;

interface ClientParts {
  readonly crypto: CryptoCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly http: HttpClient;
}

interface Request {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: Record<string, unknown>;
  readonly headers?: Record<string, string>;
  readonly timeoutMs?: number;
  readonly maxAnswerBytes?: number;
  readonly signal: AbortSignal | undefined;
}

interface Call<S> extends Request {
  readonly schema: S;
}

type Growing = v.GenericSchema & { entries: Record<string, unknown> };

/** What a directory says to a registration. */
export interface Registered {
  readonly answer: RegisterAnswer;
  /** When the directory answered, by its own clock and to the second; `null` if it does not tell. */
  readonly answeredAtMs: number | null;
}

/** Speaks to the directory at one URL. */
export class DirectoryClient {
  readonly #parts: ClientParts;
  readonly #url: string;

  constructor(parts: ClientParts, url: string) {
    this.#parts = parts;
    this.#url = url;
  }

  async register(
    request: {
      record: string;
      succession?: string;
      key?: { readonly id: string; readonly mac: string };
    },
    signal?: AbortSignal,
  ): Promise<Registered> {
    const answer = await this.#request({
      method: "POST",
      path: REGISTER_PATH,
      body: request,
      timeoutMs: 2 * CALL_TIMEOUT_MS,
      signal,
    });
    const answeredAtMs = Date.parse(answer.headers.get("date") ?? "");
    return {
      answer: parseAnswer(registerAnswerSchema, answer),
      answeredAtMs: Number.isNaN(answeredAtMs) ? null : answeredAtMs,
    };
  }

  lookUp(id: NodeId, signal?: AbortSignal): Promise<NodeAnswer> {
    return this.#call({
      method: "GET",
      path: `${NODES_PATH}/${id}`,
      schema: nodeAnswerSchema,
      signal,
    });
  }

  /** @returns Relays that the directory names, without the entries that this node does not understand. */
  async relays(signal?: AbortSignal): Promise<RelaysAnswer["relays"]> {
    const answer = await this.#call({
      method: "GET",
      path: RELAYS_PATH,
      schema: relaysAnswerSchema,
      signal,
    });
    return understoodEntries(namedRelaySchema, answer.relays);
  }

  /** @returns Without the entries that this node does not understand. */
  async discover(query: URLSearchParams, signal?: AbortSignal): Promise<DiscoverAnswer> {
    const answer = await this.#call({
      method: "GET",
      path: query.size === 0 ? DISCOVER_PATH : `${DISCOVER_PATH}?${query}`,
      schema: discoverAnswerSchema,
      maxAnswerBytes: MAX_DISCOVER_ANSWER_BYTES,
      signal,
    });
    return { ...answer, nodes: understoodEntries(nodeAnswerSchema, answer.nodes) };
  }

  /**
   * Asks for a pair with `target`.
   * @param options `directoryUrl`: the `api_url` of the directory's record, which the proof names.
   */
  async requestConnection(
    options: {
      target: NodeId;
      record: string;
      own: { id: NodeId; key: KeyRef };
      directoryUrl: string;
    },
    signal?: AbortSignal,
  ): Promise<ConnectionAnswer> {
    const { crypto, clock, random } = this.#parts;
    const body = { target: options.target, record: options.record };
    const proof = await signProof(crypto, {
      own: options.own,
      url: options.directoryUrl + REQUEST_CONNECTION_PATH,
      nowMs: clock.nowMs(),
      jti: random.bytes(PROOF_JTI_BYTES),
      body: encodeUtf8(JSON.stringify(body)),
    });
    return await this.#call({
      method: "POST",
      path: REQUEST_CONNECTION_PATH,
      body,
      headers: { [PROOF_HEADER]: proof },
      schema: connectionAnswerSchema,
      timeoutMs: CONNECT_TIMEOUT_MS,
      signal,
    });
  }

  async #call<const S extends Growing>(call: Call<S>): Promise<v.InferOutput<S>> {
    return parseAnswer(call.schema, await this.#request(call));
  }

  /** @throws {OpenRedError} What the directory answered instead of a success, or `unreachable`. */
  async #request(call: Request): Promise<HttpAnswer> {
    const answer = await this.#parts.http.request({
      method: call.method,
      url: this.#url + call.path,
      headers: {
        accept: "application/json",
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: encodeUtf8(JSON.stringify(call.body)) }),
      timeoutMs: call.timeoutMs ?? CALL_TIMEOUT_MS,
      maxAnswerBytes: call.maxAnswerBytes ?? MAX_ANSWER_BYTES,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    if (answer.status < 200 || answer.status > 299) throw problemOf(answer);
    return answer;
  }
}

function parseAnswer<const S extends Growing>(schema: S, answer: HttpAnswer): v.InferOutput<S> {
  try {
    return parseGrowing(schema, parseJson(answer.body));
  } catch (cause) {
    throw unreachable("The directory", reasonOfStatus(answer.status), { cause });
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code);
}

/** What reaches people as the reason why nothing goes to a peer. */
const SAID: Partial<Record<ErrorCode, string>> = {
  target_unreachable:
    "The directory cannot call the other node: it does not run, or nothing leads to it now",
};

/** Turns an answer that is no success into the error it names. */
function problemOf(answer: HttpAnswer): OpenRedError {
  try {
    const { code, record, succession, now_at, reason } = parseInput(
      problemSchema,
      parseJson(answer.body),
    );
    if (!isErrorCode(code)) throw new TypeError("The code is not one this node knows");
    const retryAfterS = Number(answer.headers.get("retry-after"));
    const said = SAID[code] ?? `The directory answered ${answer.status} ${code}`;
    return new OpenRedError(code, said, {
      members: { record, succession, now_at, reason },
      ...(retryAfterS > 0 ? { retryAfterMs: retryAfterS * 1000 } : {}),
    });
  } catch (cause) {
    return unreachable("The directory", reasonOfStatus(answer.status), { cause });
  }
}
