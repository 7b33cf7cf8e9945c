/**
 * The operator of a node in this process: speaks to its admin API without a socket.
 *
 * @module
 */
import type { PeerDetail, SessionView, StatusView } from "../../protocol/admin_api.ts";
import type { InboxView, MessageView, SentView } from "../../protocol/messaging_api.ts";
import type { RevokedView, TokensView } from "../../protocol/token_api.ts";
import type { AuditReport, AuditView } from "../../protocol/audit_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";

export type AdminHandler = (request: Request) => Promise<Response>;

const PAGE = 100;

export class AdminClient {
  readonly #handle: AdminHandler;
  readonly #token: string;

  constructor(handle: AdminHandler, token: string) {
    this.#handle = handle;
    this.#token = token;
  }

  /** What a request carries to be answered. */
  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}` };
  }

  /** Asks for a path below `/admin/v1`, or one of a module, and returns whatever is answered. */
  request(method: string, path: string, body?: unknown): Promise<Response> {
    const { headers } = this;
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const url = `http://127.0.0.1:1${path.startsWith("/m/") ? "" : "/admin/v1"}${path}`;
    return this.#handle(new Request(url, { method, headers, ...content }));
  }

  /**
   * Asks for a path below `/admin/v1`, or one of a module.
   * @throws {OpenRedError} What the node answers, unless that is a success.
   */
  // deno-lint-ignore no-explicit-any
  async ask<T = any>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.request(method, path, body);
    const answer = await response.json();
    if (response.ok) return answer as T;
    const { code, detail } = answer;
    throw new OpenRedError(code, `${method} ${path}: ${response.status} ${code} ${detail}`);
  }

  status(): Promise<StatusView> {
    return this.ask("GET", "/status");
  }

  connect(peer: string, waitMs: number): Promise<unknown> {
    return this.ask("POST", "/connect", { peer, wait_ms: waitMs });
  }

  /** Decides about a peer: `block`, `unblock`, `allow` … */
  decide(change: string, input: Record<string, string | null>): Promise<PeerDetail> {
    return this.ask("POST", `/peers/${change}`, input);
  }

  send(message: { peer: string; text: string; waitMs: number }): Promise<SentView> {
    const { peer, text, waitMs } = message;
    return this.ask("POST", "/m/messaging/messages", { peer, text, wait_ms: waitMs });
  }

  tokens(peer: string): Promise<TokensView> {
    return this.ask("GET", `/tokens?peer=${peer}`);
  }

  renewTokens(peer: string, waitMs: number): Promise<SessionView> {
    return this.ask("POST", "/tokens/renew", { peer, wait_ms: waitMs });
  }

  revokeTokens(target: string): Promise<RevokedView> {
    return this.ask("POST", "/tokens/revoke", { target });
  }

  async inbox(): Promise<readonly MessageView[]> {
    const messages: MessageView[] = [];
    for (let after = 0;;) {
      const path = `/m/messaging/inbox?after=${after}&limit=${PAGE}`;
      const page = await this.ask<InboxView>("GET", path);
      messages.push(...page.messages);
      if (page.messages.length === 0) return messages;
      after = page.cursor;
    }
  }

  async verifyAudit(): Promise<AuditReport> {
    const answer = await this.request("GET", "/audit/verify");
    return JSON.parse((await answer.text()).trim().split("\n").at(-1) ?? "").report;
  }

  audit(query = "limit=1000"): Promise<AuditView> {
    return this.ask("GET", `/audit?${query}`);
  }
}
