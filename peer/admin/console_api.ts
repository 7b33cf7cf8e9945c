/**
 * The console's listener: the page for everybody, all else for browsers that have signed in.
 *
 * @module
 */
import type { SignedIn, SignIn } from "../../modules/api.ts";
import type { Clock, Log } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { jsonResponse, problemResponse, readBodyInTime } from "../../protocol/http.ts";
import { CONSOLE_ROUTES, SIGN_IN_ROUTES } from "../../protocol/sign_in_api.ts";
import type { ConsoleSettings } from "../config.ts";
import type { NodeEvents } from "../events/events.ts";
import { faultResponse, faultText } from "../events/faults.ts";
import { MODULE_ROUTES } from "../modules/module_routes.ts";
import type { AdminApi } from "./api.ts";
import { underPolicy } from "./console_policy.ts";
import { browserOf, checkSameOrigin, cookieHeaders, type Site } from "./console_request.ts";

/** The page's folder, as people type it. */
const FOLDER = CONSOLE_ROUTES.slice(0, -1);
const MAX_SIGN_IN_BYTES = 64 * 1024;

/** The fixed files of the page. @returns `null` where there is none at this path. */
export type ConsolePage = (request: Request) => Promise<Response | null> | Response | null;

interface ConsoleParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: NodeEvents;
  readonly admin: Pick<AdminApi, "handleFor">;
  /** How browsers sign in; `null` while nobody can. */
  readonly signIn: () => SignIn | null;
  readonly page: ConsolePage;
}

/** The console of one node. */
export class ConsoleApi {
  readonly #parts: ConsoleParts;
  /** By what stands in `Host`. */
  readonly #sites: ReadonlyMap<string, Site>;
  /** Addresses of this machine, where the page would have no passkeys. */
  readonly #addresses: ReadonlySet<string>;
  readonly #origin: string;

  constructor(parts: ConsoleParts, { origin, proxies }: ConsoleSettings) {
    this.#parts = parts;
    this.#origin = origin ?? "";
    const own = origin === null ? [] : [{ origin, isLocal: true }];
    const sites: Site[] = [...own, ...proxies.map((name) => ({ origin: name, isLocal: false }))];
    this.#sites = new Map(sites.map((site) => [new URL(site.origin).host, site]));
    const port = origin === null ? "" : new URL(origin).port;
    this.#addresses = new Set([`127.0.0.1:${port}`, `[::1]:${port}`]);
  }

  /** Answers one request. Never rejects. */
  async handle(request: Request): Promise<Response> {
    return underPolicy(await this.#answerOrRefuse(request), this.#pageOrigin(request));
  }

  /** Whose page a request is for; `null` where it is for none. */
  #pageOrigin(request: Request): string | null {
    if (!new URL(request.url).pathname.startsWith(CONSOLE_ROUTES)) return null;
    return this.#sites.get(request.headers.get("host") ?? "")?.origin ?? null;
  }

  async #answerOrRefuse(request: Request): Promise<Response> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof OpenRedError) return problemResponse(error);
      this.#parts.log.log("error", "console_request_failed", { text: faultText(error) });
      return faultResponse();
    }
  }

  async #answer(request: Request): Promise<Response> {
    if (request.headers.get("service-worker") === "script") throw forbidden();
    const { pathname } = new URL(request.url);
    const host = request.headers.get("host") ?? "";
    const isPage = pathname === "/" || pathname.startsWith(CONSOLE_ROUTES);
    if (isPage && request.method === "GET" && this.#addresses.has(host)) {
      return redirect(this.#origin + CONSOLE_ROUTES);
    }
    const site = this.#sites.get(host);
    if (site === undefined) {
      this.#parts.events.auditStranger("console_sign_in", { success: false, how: "host" });
      throw forbidden();
    }
    if (pathname === "/" || pathname === FOLDER) return redirect(CONSOLE_ROUTES);
    if (isPage) return await this.#parts.page(request) ?? notFound();
    checkSameOrigin(request, site);
    if (pathname.startsWith(SIGN_IN_ROUTES)) return await this.#signIn(request, site);
    const caller = await this.#who(request, site);
    const isAdmin = pathname.startsWith("/admin/v1/") || pathname.startsWith(MODULE_ROUTES);
    return isAdmin ? await this.#parts.admin.handleFor(request, caller) : notFound();
  }

  async #signIn(request: Request, site: Site): Promise<Response> {
    const { method } = request;
    const { clock } = this.#parts;
    if (method !== "GET" && method !== "POST") {
      throw new OpenRedError("method_not_allowed", "This path takes GET or POST");
    }
    const signIn = this.#parts.signIn();
    if (signIn === null) throw stranger();
    const body = await readBodyInTime(request, { maxBytes: MAX_SIGN_IN_BYTES, clock });
    const path = new URL(request.url).pathname.slice(SIGN_IN_ROUTES.length - 1);
    const browser = browserOf(request, site);
    const answer = await signIn.answer({ method, path, body, browser });
    const response = jsonResponse(answer.json);
    const lines = cookieHeaders(site, answer);
    if (lines.length === 0) return response;
    const headers = new Headers(response.headers);
    for (const line of lines) headers.append("set-cookie", line);
    return new Response(response.body, { headers });
  }

  /** @throws {OpenRedError} `unauthorized` for a stranger. */
  async #who(request: Request, site: Site): Promise<SignedIn> {
    const caller = await this.#parts.signIn()?.who(browserOf(request, site));
    if (caller != null) return caller;
    throw stranger();
  }
}

function redirect(location: string): Response {
  return new Response(null, { status: 302, headers: { location } });
}

function notFound(): Response {
  return problemResponse(new OpenRedError("not_found", "There is nothing at this path"));
}

function forbidden(): OpenRedError {
  return new OpenRedError("forbidden", "The console is for browsers of this machine only");
}

function stranger(): OpenRedError {
  return new OpenRedError("unauthorized", "Nobody is signed in here");
}
