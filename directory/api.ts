/**
 * The directory's HTTP API: routes to handlers, errors to problem+json.
 *
 * @module
 */
import { Hono } from "hono";
import { OpenRedError } from "../protocol/errors.ts";
import { problemResponse } from "../protocol/http.ts";
import { counted, errorResponse } from "./answering.ts";
import type { DirectoryHandlers, RouteHandler } from "./handlers.ts";
import { linkPageOf } from "./link_page/answer.ts";
import { lookUpIdOf, pathOf } from "./plain_look_up.ts";
import type { DirectoryParts } from "./parts.ts";
import { type Route, ROUTES } from "./routes.ts";

/** Answers a method that a path does not have. */
function otherMethod(route: Route, method: string): Response {
  const allow = route.method === "GET" ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  const message = `This path takes ${allow}`;
  const response = problemResponse(new OpenRedError("method_not_allowed", message));
  response.headers.set("allow", allow);
  return response;
}

/** The same handler, timed once somebody wants to know how long it takes. */
function timed(
  { clock, metrics }: Pick<DirectoryParts, "clock" | "metrics">,
  { name, handle }: { readonly name: string; readonly handle: RouteHandler },
): RouteHandler {
  return (request, asked) => {
    if (!metrics.isTiming) return handle(request, asked);
    const startedMs = clock.monotonicMs();
    const end = () => metrics.observeRequest(name, (clock.monotonicMs() - startedMs) / 1000);
    const given = handle(request, asked);
    if (given instanceof Promise) return given.finally(end);
    end();
    return given;
  };
}

/** What hono hands on of a request besides the request itself. */
type Env = { Bindings: { source: string } };

/** Routes by hono, also below the path of the directory's own URL. */
function createApp(
  parts: Pick<DirectoryParts, "log" | "metrics">,
  { base, handlers }: { readonly base: string; readonly handlers: DirectoryHandlers },
): Hono<Env> {
  const app = new Hono<Env>();
  for (const prefix of new Set(["", base])) {
    for (const route of ROUTES) {
      const path = prefix + route.path;
      app.on(route.method, path, ({ req, env }) => {
        return handlers[route.name](req.raw, { id: req.param("id") ?? "", source: env.source });
      });
      app.all(path, ({ req }) => otherMethod(route, req.method));
    }
  }
  app.notFound(() => problemResponse(new OpenRedError("not_found", "There is nothing here")));
  app.onError((error) => errorResponse(parts, error));
  return app;
}

/**
 * The calls as nodes write them, without hono: its routing took a fifth of the time of a plain read. What is not found
 * here goes on to it.
 */
function createPlainCalls(
  handlers: DirectoryHandlers,
): (request: Request, source: string) => Response | Promise<Response> | null {
  const fixed = new Map<string, RouteHandler>();
  for (const { method, path, name } of ROUTES) {
    if (!path.includes(":")) fixed.set(`${method} ${path}`, handlers[name]);
  }
  return (request, source) => {
    const path = pathOf(request.url);
    const id = lookUpIdOf(request, path);
    if (id !== null) return handlers.lookUp(request, { id, source });
    return fixed.get(`${request.method} ${path}`)?.(request, { id: "", source }) ?? null;
  };
}

/** Serves every route of the table. `source` is whom a request's address stands for. */
export function createApi(
  parts: Pick<DirectoryParts, "clock" | "config" | "log" | "metrics">,
  handlers: DirectoryHandlers,
): (request: Request, source: string) => Response | Promise<Response> {
  const entries = ROUTES.map((route) => {
    const { name } = route;
    const handle = counted(parts, { route, handle: handlers[name] });
    return [name, timed(parts, { name, handle })] as const;
  });
  const all = Object.fromEntries(entries) as DirectoryHandlers;
  const call = createPlainCalls(all);
  const base = new URL(parts.config.url).pathname.replace(/\/$/, "");
  const app = createApp(parts, { base, handlers: all });
  const page = linkPageOf(parts.config.url);
  return (request, source) =>
    call(request, source) ?? page(request) ?? app.fetch(request, { source });
}
