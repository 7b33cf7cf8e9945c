/**
 * Routes of built-in modules for whoever watches the node: on the admin server, and on the listener for metrics.
 *
 * @module
 */
import type { WatchRoute } from "../../modules/api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import type { RunningModules } from "./frame_gate.ts";
import { toResponse } from "./module_routes.ts";
import { refusalOf } from "./refusal.ts";
import type { RunningModule } from "./running_module.ts";

interface Found {
  readonly module: RunningModule;
  readonly route: WatchRoute;
}

/** The watch routes of all modules that run. */
export class WatchRoutes {
  readonly #modules: RunningModules;

  constructor(modules: RunningModules) {
    this.#modules = modules;
  }

  /** Whether there is something at a path. */
  has(path: string): boolean {
    return this.#find(path) !== null;
  }

  /**
   * Answers a request.
   * @param isTrusted Whether the caller has shown a token that opens it.
   * @throws {OpenRedError} `not_found`, `method_not_allowed`, `unauthorized`; what the module refuses.
   */
  async answer(
    { method, path }: { readonly method: string; readonly path: string },
    isTrusted: boolean,
  ): Promise<Response> {
    const found = this.#find(path);
    if (found === null) throw new OpenRedError("not_found", "There is nothing at this path");
    if (method !== "GET" && method !== "HEAD") {
      throw new OpenRedError("method_not_allowed", "This path takes GET");
    }
    const { module, route } = found;
    if (route.isClosed && !isTrusted) {
      throw new OpenRedError("unauthorized", "The metrics token is missing or wrong");
    }
    try {
      const answer = await module.run(() => route.handler());
      if (isTrusted) return toResponse(answer);
      const status = answer.status ?? 200;
      return new Response(null, { status, headers: { "cache-control": "no-store" } });
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
  }

  #find(path: string): Found | null {
    for (const module of this.#modules.all) {
      const route = module.registered.watchRoutes.find((one) => one.path === path);
      if (route !== undefined) return { module, route };
    }
    return null;
  }
}
