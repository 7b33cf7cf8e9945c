/**
 * The operator of a simulated node: speaks to its admin API.
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

  status(): Promise<StatusView> {
    return this.#call("GET", "/admin/v1/status");
  }

  connect(peer: string, waitMs: number): Promise<unknown> {
    return this.#call("POST", "/admin/v1/connect", { peer, wait_ms: waitMs });
  }

  /** Decides about a peer: `block`, `unblock`, `allow` … */
  decide(change: string, input: Record<string, string | null>): Promise<PeerDetail> {
    return this.#call("POST", `/admin/v1/peers/${change}`, input);
  }

  send(message: { peer: string; text: string; waitMs: number }): Promise<SentView> {
    const { peer, text, waitMs } = message;
    return this.#call("POST", "/m/messaging/messages", { peer, text, wait_ms: waitMs });
  }

  tokens(peer: string): Promise<TokensView> {
    return this.#call("GET", `/admin/v1/tokens?peer=${peer}`);
  }

  renewTokens(peer: string, waitMs: number): Promise<SessionView> {
    return this.#call("POST", "/admin/v1/tokens/renew", { peer, wait_ms: waitMs });
  }

  revokeTokens(target: string): Promise<RevokedView> {
    return this.#call("POST", "/admin/v1/tokens/revoke", { target });
  }

  async inbox(): Promise<readonly MessageView[]> {
    const messages: MessageView[] = [];
    for (let after = 0;;) {
      const path = `/m/messaging/inbox?after=${after}&limit=${PAGE}`;
      const page = await this.#call<InboxView>("GET", path);
      messages.push(...page.messages);
      if (page.messages.length === 0) return messages;
      after = page.cursor;
    }
  }

  async verifyAudit(): Promise<AuditReport> {
    const answer = await this.#handle(
      new Request("http://admin/admin/v1/audit/verify", {
        headers: { authorization: `Bearer ${this.#token}` },
      }),
    );
    return JSON.parse((await answer.text()).trim().split("\n").at(-1) ?? "").report;
  }

  audit(query = "limit=1000"): Promise<AuditView> {
    return this.#call("GET", `/admin/v1/audit?${query}`);
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const request = new Request(`http://127.0.0.1:1${path}`, {
      method,
      headers: { "authorization": `Bearer ${this.#token}`, "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const response = await this.#handle(request);
    const answer = await response.json();
    if (response.ok) return answer as T;
    throw new OpenRedError(answer.code, `The node answered ${response.status} ${answer.code}`);
  }
}
