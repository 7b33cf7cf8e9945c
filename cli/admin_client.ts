/**
 * The command line's side of a node's local admin API.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import {
  type LoopbackAnswer,
  type LoopbackRequest,
  type SendLoopback,
  UnprovenServer,
} from "../ports/loopback.ts";
import type { Clock, Random } from "../ports/ports.ts";
import {
  adminFileSchema,
  type DiscoverView,
  type GroupsView,
  type GroupView,
  type IdView,
  type PeerDetail,
  type PeersView,
  type RequestsView,
  type SessionView,
  type StatusView,
} from "../protocol/admin_api.ts";
import { ADMIN_NONCE_BYTES, adminChallenge } from "../protocol/admin_proof.ts";
import type {
  InvitationsView,
  InvitationView,
  NewInvitationView,
} from "../protocol/invitation_api.ts";
import type { InboxView, SentView } from "../protocol/messaging_api.ts";
import type { AuditHeadView, AuditView } from "../protocol/audit_api.ts";
import type { Check } from "../protocol/doctor.ts";
import type { LogView } from "../protocol/log_api.ts";
import type { MetricFamily, ReadyView } from "../protocol/metrics.ts";
import type { ModuleDetail, ModulesView, ModuleView } from "../protocol/module_api.ts";
import type { ChallengesView, ShownFactorsView } from "../protocol/auth_challenge.ts";
import type { FactorLevel } from "../protocol/factor_level.ts";
import { parseJson } from "../protocol/schemas.ts";
import type {
  AuthenticationView,
  GivenFactor,
  LinkStateView,
  NewLinkView,
  Role,
} from "../protocol/sign_in_api.ts";
import type { RevokedView, TokensView } from "../protocol/token_api.ts";
import { CommandError, EXIT_CODES, failure, interrupted } from "./command_error.ts";
import { readAnswer, readBytes } from "../ports/loopback_answer.ts";
import { dataWords, withDataWords } from "./data_words.ts";
import { readEvents, type ServerSentEvent } from "./event_stream.ts";
import { readRefusal, toError } from "./refusal.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";

/** How long a node may take for an answer that it does not have to wait for itself. */
const ANSWER_TIMEOUT_MS = 20_000;
/** A node that runs proves itself at once, whatever it is asked for. */
const SLOW_MS = 2_000;
/** Looking through a long log takes its time. */
const LONG_ANSWER_TIMEOUT_MS = 120_000;

export interface AdminClientOptions {
  /** Where the node's data is, for messages. */
  readonly data: string;
  readonly isDefault: boolean;
  /** The content of the admin file, or `null` if there is none. */
  readonly adminFile: Uint8Array | null;
  readonly send: SendLoopback;
  readonly clock: Pick<Clock, "setTimer">;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Called with what to say of a node that has not proven itself for two seconds. */
  readonly slow: (text: string) => void;
}

interface Call {
  readonly method: LoopbackRequest["method"];
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly text?: string;
  readonly timeoutMs?: number;
}

function startHint({ data, isDefault }: AdminClientOptions): string {
  return `Start it with: openred-node run${dataWords({ path: data, isDefault })}`;
}

/** Calls a running node. */
export class AdminClient {
  readonly #options: AdminClientOptions;
  readonly #url: string;
  readonly #token: string;
  readonly #pid: number;

  /** @throws {CommandError} Exit code 1 if no node has left a usable admin file. */
  constructor(options: AdminClientOptions) {
    if (options.adminFile === null) throw this.#notRunning(options);
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
    this.#pid = parsed.output.pid;
  }

  /** The same node for what is to be asked once the person has stopped the command. */
  afterStop(): AdminClient {
    return new AdminClient({ ...this.#options, signal: new AbortController().signal });
  }

  id(): Promise<IdView> {
    return this.#call({ method: "GET", path: "/admin/v1/id" });
  }

  status(): Promise<StatusView> {
    return this.#call({ method: "GET", path: "/admin/v1/status" });
  }

  inbox(
    query: ({ readonly after: number } | { readonly before: number }) & { readonly limit: number },
  ): Promise<InboxView> {
    const from = "after" in query ? `after=${query.after}` : `before=${query.before}`;
    return this.#call({ method: "GET", path: `/m/messaging/inbox?${from}&limit=${query.limit}` });
  }

  discover(
    query: { readonly service: string | null; readonly alias: string | null; limit: number },
  ): Promise<DiscoverView> {
    const search = new URLSearchParams({ limit: String(query.limit) });
    if (query.service !== null) search.set("service", query.service);
    if (query.alias !== null) search.set("alias", query.alias);
    return this.#call({ method: "GET", path: `/admin/v1/discover?${search}` });
  }

  /** @param input `name`: what the peer is called from now on. */
  connect(
    input: { readonly peer: string; readonly waitMs: number; readonly name?: string | null },
  ): Promise<SessionView> {
    const { peer, waitMs, name = null } = input;
    const body = { peer, wait_ms: waitMs, ...(name === null ? {} : { name }) };
    const timeoutMs = input.waitMs + ANSWER_TIMEOUT_MS;
    return this.#call({ method: "POST", path: "/admin/v1/connect", body, timeoutMs });
  }

  invite(input: Readonly<Record<string, number | string | null>>): Promise<NewInvitationView> {
    return this.#call({ method: "POST", path: "/admin/v1/invitations", body: input });
  }

  invitations(): Promise<InvitationsView> {
    return this.#call({ method: "GET", path: "/admin/v1/invitations" });
  }

  /** @param invitation Its id or the beginning of that, its name, or the link. */
  revokeInvitation(invitation: string): Promise<InvitationView> {
    const path = "/admin/v1/invitations/revoke";
    return this.#call({ method: "POST", path, body: { invitation } });
  }

  /** @param more Members that not every message has. */
  send(
    input: { peer: string; text: string; waitMs: number; more?: Readonly<Record<string, unknown>> },
  ): Promise<SentView> {
    const body = { peer: input.peer, text: input.text, wait_ms: input.waitMs, ...input.more };
    const timeoutMs = input.waitMs + ANSWER_TIMEOUT_MS;
    return this.#call({ method: "POST", path: "/m/messaging/messages", body, timeoutMs });
  }

  /** What a route of messaging answers. */
  messaging<T>(method: "GET" | "POST" | "PUT", path: string, body?: unknown): Promise<T> {
    const call = { method, path: `/m/messaging${path}`, timeoutMs: LONG_ANSWER_TIMEOUT_MS };
    return this.#call(body === undefined ? call : { ...call, body });
  }

  peers(): Promise<PeersView> {
    return this.#call({ method: "GET", path: "/admin/v1/peers" });
  }

  showPeer(peer: string): Promise<PeerDetail> {
    return this.#call({ method: "POST", path: "/admin/v1/peers/show", body: { peer } });
  }

  changePeer(
    change: "allow" | "deny" | "reset" | "block" | "unblock" | "forget" | "name",
    input: Readonly<Record<string, string | boolean | null>>,
  ): Promise<PeerDetail> {
    return this.#call({ method: "POST", path: `/admin/v1/peers/${change}`, body: input });
  }

  requests(): Promise<RequestsView> {
    return this.#call({ method: "GET", path: "/admin/v1/requests" });
  }

  /** @param input `name`: what an accepted one is called. */
  answerRequest(
    answer: "accept" | "decline",
    input: { readonly peer: string; readonly name?: string | null },
  ): Promise<PeerDetail> {
    return this.#call({ method: "POST", path: `/admin/v1/requests/${answer}`, body: input });
  }

  newConsoleLink(role: Role): Promise<NewLinkView> {
    return this.#call({ method: "POST", path: "/admin/v1/console/link", body: { role } });
  }

  authentication(): Promise<AuthenticationView> {
    return this.#call({ method: "GET", path: "/m/authentication/factors" });
  }

  resetAuthentication(): Promise<{ readonly removed: number; readonly ended: number }> {
    return this.#call({ method: "POST", path: "/m/authentication/reset" });
  }

  challenges(): Promise<ChallengesView> {
    return this.#call({ method: "GET", path: "/m/authentication/challenges" });
  }

  /** Waits for the other owner. */
  challenge(
    input: { readonly peer: string; readonly level: FactorLevel; readonly purpose: string },
  ): Promise<ShownFactorsView> {
    const timeoutMs = LONG_ANSWER_TIMEOUT_MS + ANSWER_TIMEOUT_MS;
    const path = "/m/authentication/challenge";
    return this.#call({ method: "POST", path, body: input, timeoutMs });
  }

  answerChallenge(
    body: { readonly id: number; readonly approve: boolean; readonly factor?: GivenFactor },
  ): Promise<{ readonly approved: boolean }> {
    return this.#call({ method: "POST", path: "/m/authentication/challenges/answer", body });
  }

  muteChallenges(body: { readonly peer: string; readonly muted: boolean }): Promise<unknown> {
    return this.#call({ method: "POST", path: "/m/authentication/mute", body });
  }

  consoleLinkState(): Promise<LinkStateView> {
    return this.#call({ method: "GET", path: "/admin/v1/console/link/state" });
  }

  groups(): Promise<GroupsView> {
    return this.#call({ method: "GET", path: "/admin/v1/groups" });
  }

  changeGroup(
    change: "add" | "remove" | "allow" | "reset" | "delete",
    input: Readonly<Record<string, string | boolean>>,
  ): Promise<GroupView> {
    return this.#call({ method: "POST", path: `/admin/v1/groups/${change}`, body: input });
  }

  tokens(query: { readonly peer?: string | null; readonly pair?: string }): Promise<TokensView> {
    const search = new URLSearchParams();
    if (query.peer != null) search.set("peer", query.peer);
    if (query.pair !== undefined) search.set("pair", query.pair);
    return this.#call({ method: "GET", path: `/admin/v1/tokens?${search}` });
  }

  renewTokens(input: { readonly peer: string; readonly waitMs: number }): Promise<SessionView> {
    const body = { peer: input.peer, wait_ms: input.waitMs };
    const timeoutMs = input.waitMs + ANSWER_TIMEOUT_MS;
    return this.#call({ method: "POST", path: "/admin/v1/tokens/renew", body, timeoutMs });
  }

  /** @param target A pair's id or a peer. */
  revokeTokens(target: string): Promise<RevokedView> {
    return this.#call({ method: "POST", path: "/admin/v1/tokens/revoke", body: { target } });
  }

  audit(search: URLSearchParams): Promise<AuditView> {
    const timeoutMs = LONG_ANSWER_TIMEOUT_MS;
    return this.#call({ method: "GET", path: `/admin/v1/audit?${search}`, timeoutMs });
  }

  modules(): Promise<ModulesView> {
    return this.#call({ method: "GET", path: "/admin/v1/modules" });
  }

  module(name: string): Promise<ModuleDetail> {
    const search = new URLSearchParams({ module: name });
    return this.#call({ method: "GET", path: `/admin/v1/modules/info?${search}` });
  }

  /** A module may take its time to start, and its former version to end. */
  changeModule<T = ModuleView>(
    change: "load" | "unload" | "reload" | "enable" | "disable" | "grant" | "revoke" | "set",
    body: Readonly<Record<string, unknown>>,
  ): Promise<T> {
    const timeoutMs = LONG_ANSWER_TIMEOUT_MS;
    return this.#call({ method: "POST", path: `/admin/v1/modules/${change}`, body, timeoutMs });
  }

  /** What a route of a module answers; it may take as long as the person waits. */
  async callModule(
    input: { module: string; method: Call["method"]; path: string; text: string | null },
  ): Promise<Uint8Array> {
    const { signal } = this.#options;
    const { module, method, path, text } = input;
    const call: Call = { method, path: `/m/${module}${path}`, ...(text === null ? {} : { text }) };
    const answer = await this.#request(call, signal);
    if (answer.status >= 200 && answer.status <= 299) return await readBytes(answer);
    const content = await readAnswer(answer).catch(() => null);
    throw this.#refused(answer.status, content);
  }

  /** What a route of file sharing answers; checking a folder or looking at files may take its time. */
  files<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    const call = { method, path: `/m/file_sharing${path}`, timeoutMs: LONG_ANSWER_TIMEOUT_MS };
    return this.#call(body === undefined ? call : { ...call, body });
  }

  /** What the node counts and measures. */
  numbers(): Promise<{ readonly families: readonly MetricFamily[] }> {
    return this.#call({ method: "GET", path: "/m/monitoring/numbers" });
  }

  /** What the node finds out about itself. */
  checks(): Promise<{ readonly checks: readonly Check[] }> {
    return this.#call({
      method: "GET",
      path: "/m/monitoring/checks",
      timeoutMs: LONG_ANSWER_TIMEOUT_MS,
    });
  }

  ready(): Promise<ReadyView> {
    return this.#call({ method: "GET", path: "/m/monitoring/ready" });
  }

  /** @param level `null` to be told alone. */
  logLevel(level: LogView["level"] | null): Promise<LogView> {
    const path = "/admin/v1/log";
    return this.#call(
      level === null ? { method: "GET", path } : { method: "POST", path, body: { level } },
    );
  }

  auditHead(): Promise<AuditHeadView> {
    return this.#call({ method: "GET", path: "/admin/v1/audit/head" });
  }

  /** What the node answers bit by bit; ends when the signal fires. */
  async auditStream(
    what: "export" | "verify",
    search: URLSearchParams,
  ): Promise<AsyncIterable<Uint8Array>> {
    const call: Call = { method: "GET", path: `/admin/v1/audit/${what}?${search}` };
    return await this.#stream(call);
  }

  /** The bytes of a backup under a passphrase; ends when the signal fires. */
  async backup(passphrase: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    const body = { passphrase: Buffer.from(passphrase).toString("base64url") };
    return await this.#stream({ method: "POST", path: "/admin/v1/backup", body });
  }

  /** What happens from now on; ends when the node stops or the signal fires. */
  async events(): Promise<AsyncIterable<ServerSentEvent>> {
    return readEvents(await this.#stream({ method: "GET", path: "/admin/v1/events" }));
  }

  #notRunning(options: AdminClientOptions, cause?: unknown): Error {
    const folder = sanitizeLine(options.data);
    const text = `No node is running in ${folder}. ${startHint(options)}`;
    return new CommandError(EXIT_CODES.no_node, text, { cause });
  }

  #otherProgram(cause: Error): Error {
    const folder = sanitizeLine(this.#options.data);
    return new CommandError(
      EXIT_CODES.no_node,
      `The file admin.json in ${folder} is of a former run, and another program has its port now. ` +
        startHint(this.#options),
      { cause },
    );
  }

  #refused(status: number, content: unknown): Error {
    const { data, isDefault } = this.#options;
    const { problem } = readRefusal(status, content);
    if (problem === null) return toError({ status, problem });
    const detail = withDataWords(problem.detail, { path: data, isDefault });
    return toError({ status, problem: { ...problem, detail } });
  }

  async #stream(call: Call): Promise<AsyncIterable<Uint8Array>> {
    const { signal } = this.#options;
    const answer = await this.#request(call, signal);
    if (answer.status === 200) return answer.body;
    const content = await readAnswer(answer).catch(() => null);
    throw this.#refused(answer.status, content);
  }

  /** @throws {CommandError} Exit code 6 without an answer, and 130, without asking, once the person has stopped the command. */
  async #request(call: Call, signal: AbortSignal): Promise<LoopbackAnswer> {
    if (this.#options.signal.aborted) throw interrupted();
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    const body = call.body === undefined ? call.text : JSON.stringify(call.body);
    if (call.body !== undefined) headers["content-type"] = "application/json";
    const url = `${this.#url.replace(/\/$/, "")}${call.path}`;
    const { clock, random, slow } = this.#options;
    const cancel = clock.setTimer(SLOW_MS, () => {
      slow(
        `The node has not answered for ${SLOW_MS / 1000} s: is its process ${this.#pid} stopped?`,
      );
    });
    // A node that was killed leaves its admin file, and its port to whoever takes it: who is there shows it first.
    const challenge = adminChallenge(this.#token, random.bytes(ADMIN_NONCE_BYTES));
    try {
      return await this.#options.send({
        method: call.method,
        url,
        headers,
        signal,
        challenge: {
          ...challenge,
          isRight: (body) => {
            cancel();
            return challenge.isRight(body);
          },
        },
        ...(body === undefined ? {} : { body }),
      });
    } catch (cause) {
      if (signal.aborted) throw interrupted({ cause });
      if (cause instanceof UnprovenServer) throw this.#otherProgram(cause);
      throw this.#notRunning(this.#options, cause);
    } finally {
      cancel();
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
      if (answer.status >= 200 && answer.status <= 299) return await readAnswer(answer) as T;
      const content = await readAnswer(answer).catch(() => null);
      throw this.#refused(answer.status, content);
    } catch (cause) {
      if (signal.aborted) throw interrupted({ cause });
      if (stop.signal.aborted) {
        const text = "The node did not answer in time";
        throw new CommandError(EXIT_CODES.unanswered, text, { cause });
      }
      if (cause instanceof Error && cause.name === "CommandError") throw cause;
      throw failure("The node's answer broke off or is not JSON", { cause });
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
    }
  }
}
