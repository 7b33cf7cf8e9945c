/**
 * Who may ask what of the routes for watchers: the metrics token opens them, and nothing else of the node.
 *
 * @module
 */
import { hasBearer } from "../../ports/bearer_token.ts";
import type { Log } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { problemResponse } from "../../protocol/http.ts";
import { faultResponse, faultText } from "../events/faults.ts";
import type { RunningModules } from "../modules/frame_gate.ts";
import { WatchRoutes } from "../modules/watch_routes.ts";

interface WatchParts {
  readonly log: Log;
  readonly modules: RunningModules;
}

/** The routes for watchers, on the admin server and on a listener of their own. */
export class WatchApi {
  readonly #log: Log;
  readonly #routes: WatchRoutes;
  readonly #tokens: readonly string[];

  /** @param tokens Either opens it; the metrics token may be missing. */
  constructor(
    { log, modules }: WatchParts,
    tokens: { readonly adminToken: string; readonly metricsToken?: string },
  ) {
    this.#log = log;
    this.#routes = new WatchRoutes(modules);
    this.#tokens = [tokens.metricsToken ?? "", tokens.adminToken];
  }

  /** Whether there is something for watchers at the path of a request. */
  has(request: Request): boolean {
    return this.#routes.has(new URL(request.url).pathname);
  }

  /** Answers a request. Never rejects. */
  async answer(request: Request): Promise<Response> {
    const { method, headers } = request;
    // A page of a browser knows no token; whoever sends an Origin is none that collects metrics.
    const isTrusted = !headers.has("origin") &&
      this.#tokens.some((token) => hasBearer(request, token));
    try {
      const path = new URL(request.url).pathname;
      return await this.#routes.answer({ method, path }, isTrusted);
    } catch (error) {
      return this.#problem(error);
    }
  }

  #problem(error: unknown): Response {
    if (!(error instanceof OpenRedError)) {
      this.#log.log("error", "watch_request_failed", { text: faultText(error) });
      return faultResponse();
    }
    const response = problemResponse(error);
    if (error.code === "unauthorized") response.headers.set("www-authenticate", "Bearer");
    return response;
  }
}
