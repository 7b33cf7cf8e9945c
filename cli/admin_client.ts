/**
 * The command line's side of a node's local admin API.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import type { LoopbackAnswer, SendLoopback } from "../ports/loopback.ts";
import type { Clock } from "../ports/ports.ts";
import {
  adminFileSchema,
  type DiscoverView,
  type GroupsView,
  type GroupView,
  type IdView,
  type InboxView,
  type PeerDetail,
  type PeersView,
  type SentView,
  type SessionView,
  type StatusView,
} from "../protocol/admin_api.ts";
import type { AuditHeadView, AuditView } from "../protocol/audit_api.ts";
import { parseJson } from "../protocol/schemas.ts";
import type { RevokedView, TokensView } from "../protocol/token_api.ts";
import { failure, usageError } from "./command_error.ts";
import { readEvents, type ServerSentEvent } from "./event_stream.ts";
import { sanitizeLine } from "./sanitize.ts";

/** How long a node may take for an answer that it does not have to wait for itself. */
const ANSWER_TIMEOUT_MS = 20_000;
/** Looking through a long log takes its time. */
const LONG_ANSWER_TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 16 * 2 ** 20;

const problemSchema = v.object({ code: v.string(), detail: v.optional(v.string(), "") });

const HINTS: Readonly<Record<string, string>> = {
  node_unknown: "No directory knows this node. Is it running, and registered with one of yours?",
  target_unreachable: "The directory could not reach this node",
  unreachable: "Nobody answered in time",
  succeeded: "This node has moved to a new id",
  method_none: "You and this node have no crypto method in common",
  url_refused: "The directory refuses this node's URL",
};

export interface AdminClientOptions {
  /** As the operator wrote it, for messages. */
  readonly data: string;
  /** The content of the admin file, or `null` if there is none. */
  readonly adminFile: Uint8Array | null;
  readonly send: SendLoopback;
  readonly clock: Pick<Clock, "setTimer">;
  readonly signal: AbortSignal;
}

interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

async function readAnswer(answer: LoopbackAnswer): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new RangeError("Received an answer that is too long");
    chunks.push(chunk);
  }
  return parseJson(new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer()));
}

function refusal(status: number, content: unknown): Error {
  const parsed = v.safeParse(problemSchema, content);
  if (!parsed.success) return failure(`The node answered with status ${status}`);
  const { code, detail } = parsed.output;
  const what = HINTS[code] ?? (detail === "" ? "The node refused" : detail);
  const line = sanitizeLine(`${what} (${code})`);
  const isWrongInput = status === 400 || status === 413 || code === "not_found";
  return isWrongInput ? usageError(line) : failure(line);
}

/** Calls a running node. */
export class AdminClient {
  readonly #options: AdminClientOptions;
  readonly #url: string;
  readonly #token: string;

  /** @throws {CommandError} Exit code 1 if no node has left a usable admin file. */
  constructor(options: AdminClientOptions) {
    if (options.adminFile === null) throw this.#notRunning(options.data);
    let content: unknown;
    try {
      content = parseJson(options.adminFile);
    } catch (cause) {
      throw failure(`The file admin.json in ${sanitizeLine(options.data)} is damaged`, { cause });
    }
    const parsed = v.safeParse(adminFileSchema, content);
    if (!parsed.success) {
      throw failure(`The file admin.json in ${sanitizeLine(options.data)} is damaged`);
    }
    this.#options = options;
    this.#url = parsed.output.url;
    this.#token = parsed.output.token;
  }

  id(): Promise<IdView> {
    return this.#call({ method: "GET", path: "/id" });
  }

  status(): Promise<StatusView> {
    return this.#call({ method: "GET", path: "/status" });
  }

  inbox(query: { readonly after: number; readonly limit: number }): Promise<InboxView> {
    return this.#call({ method: "GET", path: `/inbox?after=${query.after}&limit=${query.limit}` });
  }

  discover(
    query: { readonly service: string | null; readonly alias: string | null; limit: number },
  ): Promise<DiscoverView> {
    const search = new URLSearchParams({ limit: String(query.limit) });
    if (query.service !== null) search.set("service", query.service);
    if (query.alias !== null) search.set("alias", query.alias);
    return this.#call({ method: "GET", path: `/discover?${search}` });
  }

  connect(input: { readonly peer: string; readonly waitMs: number }): Promise<SessionView> {
    const body = { peer: input.peer, wait_ms: input.waitMs };
    const timeoutMs = input.waitMs + ANSWER_TIMEOUT_MS;
    return this.#call({ method: "POST", path: "/connect", body, timeoutMs });
  }

  send(input: { peer: string; text: string; waitMs: number }): Promise<SentView> {
    const body = { peer: input.peer, text: input.text, wait_ms: input.waitMs };
    const timeoutMs = input.waitMs + ANSWER_TIMEOUT_MS;
    return this.#call({ method: "POST", path: "/messages", body, timeoutMs });
  }

  peers(): Promise<PeersView> {
    return this.#call({ method: "GET", path: "/peers" });
  }

  /** Shows or changes one peer. */
  changePeer(
    change: "show" | "allow" | "deny" | "reset" | "block" | "unblock" | "forget" | "alias",
    input: Readonly<Record<string, string | null>>,
  ): Promise<PeerDetail> {
    return this.#call({ method: "POST", path: `/peers/${change}`, body: input });
  }

  groups(): Promise<GroupsView> {
    return this.#call({ method: "GET", path: "/groups" });
  }

  changeGroup(
    change: "add" | "remove" | "allow" | "reset" | "delete",
    input: Readonly<Record<string, string>>,
  ): Promise<GroupView> {
    return this.#call({ method: "POST", path: `/groups/${change}`, body: input });
  }

  tokens(query: { readonly peer?: string | null; readonly pair?: string }): Promise<TokensView> {
    const search = new URLSearchParams();
    if (query.peer != null) search.set("peer", query.peer);
    if (query.pair !== undefined) search.set("pair", query.pair);
    return this.#call({ method: "GET", path: `/tokens?${search}` });
  }

  renewTokens(input: { readonly peer: string; readonly waitMs: number }): Promise<SessionView> {
    const body = { peer: input.peer, wait_ms: input.waitMs };
    const timeoutMs = input.waitMs + ANSWER_TIMEOUT_MS;
    return this.#call({ method: "POST", path: "/tokens/renew", body, timeoutMs });
  }

  /** @param target A pair's id or a peer. */
  revokeTokens(target: string): Promise<RevokedView> {
    return this.#call({ method: "POST", path: "/tokens/revoke", body: { target } });
  }

  audit(search: URLSearchParams): Promise<AuditView> {
    const timeoutMs = LONG_ANSWER_TIMEOUT_MS;
    return this.#call({ method: "GET", path: `/audit?${search}`, timeoutMs });
  }

  auditHead(): Promise<AuditHeadView> {
    return this.#call({ method: "GET", path: "/audit/head" });
  }

  /** What the node answers bit by bit; ends when the signal fires. */
  async auditStream(
    what: "export" | "verify",
    search: URLSearchParams,
  ): Promise<AsyncIterable<Uint8Array>> {
    const call: Call = { method: "GET", path: `/audit/${what}?${search}` };
    const answer = await this.#request(call, this.#options.signal);
    if (answer.status !== 200) throw refusal(answer.status, await readAnswer(answer));
    return answer.body;
  }

  /** The bytes of a backup under a passphrase; ends when the signal fires. */
  async backup(passphrase: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    const body = { passphrase: Buffer.from(passphrase).toString("base64url") };
    const call: Call = { method: "POST", path: "/backup", body };
    const answer = await this.#request(call, this.#options.signal);
    if (answer.status !== 200) throw refusal(answer.status, await readAnswer(answer));
    return answer.body;
  }

  /** What happens from now on; ends when the node stops or the signal fires. */
  async events(): Promise<AsyncIterable<ServerSentEvent>> {
    const answer = await this.#request({ method: "GET", path: "/events" }, this.#options.signal);
    if (answer.status !== 200) throw refusal(answer.status, await readAnswer(answer));
    return readEvents(answer.body);
  }

  #notRunning(data: string, cause?: unknown): Error {
    const folder = sanitizeLine(data);
    return failure(
      `No node is running in ${folder}. Start it with: openred-node run --data ${folder}`,
      { cause },
    );
  }

  async #request(call: Call, signal: AbortSignal): Promise<LoopbackAnswer> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    if (body !== undefined) headers["content-type"] = "application/json";
    const url = `${this.#url.replace(/\/$/, "")}/admin/v1${call.path}`;
    try {
      return await this.#options.send({
        method: call.method,
        url,
        headers,
        signal,
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw this.#notRunning(this.#options.data, cause);
    }
  }

  async #call<T>(call: Call): Promise<T> {
    const { clock, signal } = this.#options;
    const stop = new AbortController();
    const abort = () => stop.abort();
    const cancel = clock.setTimer(call.timeoutMs ?? ANSWER_TIMEOUT_MS, abort);
    signal.addEventListener("abort", abort);
    try {
      const answer = await this.#request(call, stop.signal);
      const content = await readAnswer(answer);
      if (answer.status < 200 || answer.status > 299) throw refusal(answer.status, content);
      return content as T;
    } catch (cause) {
      if (signal.aborted) throw failure("Stopped", { cause });
      if (stop.signal.aborted) throw failure("The node did not answer in time", { cause });
      if (cause instanceof Error && cause.name === "CommandError") throw cause;
      throw failure("The node's answer broke off or is not JSON", { cause });
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
    }
  }
}
