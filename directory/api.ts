/**
 * The directory's HTTP API: routes to handlers, errors to problem+json.
 *
 * @module
 */
import { Hono } from "hono";
import { NODES_PATH } from "../protocol/directory_api.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { problemResponse } from "../protocol/http.ts";
import type { DirectoryHandlers, RouteHandler } from "./handlers.ts";
import { answerLinkPage } from "./link_page/answer.ts";
import type { Count } from "./metrics.ts";
import type { DirectoryParts } from "./parts.ts";
import { type Route, ROUTES } from "./routes.ts";

/** Turns what a handler threw into an answer; what nobody foresaw is logged. */
export function errorResponse(
  parts: Pick<DirectoryParts, "log" | "metrics">,
  error: unknown,
): Response {
  const known = error instanceof OpenRedError
    ? error
    : new OpenRedError("internal", "The directory failed");
  parts.metrics.count("openred_refusals_total", { code: known.code });
  if (known.code === "rate_limited") {
    parts.log.log("info", "limit_reached", { why: known.message });
  }
  const cause = error instanceof OpenRedError ? error.cause : error;
  // Overload has a cause only when it is the storage that fails; shedding load writes no log.
  if (known.code === "internal" || (known.code === "overloaded" && cause !== undefined)) {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : known.message;
    parts.log.log("error", "request_failed", { code: known.code, cause: text });
  }
  return problemResponse(known);
}

/** Answers a method that a path does not have. */
function otherMethod(route: Route, method: string): Response {
  const allow = route.method === "GET" ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
  if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
  const message = `This path takes ${allow}`;
  const response = problemResponse(new OpenRedError("method_not_allowed", message));
  response.headers.set("allow", allow);
  return response;
}

/** The handler of a route that neither throws nor rejects, counted by the status of its answers. */
function counted(
  parts: Pick<DirectoryParts, "clock" | "log" | "metrics">,
  options: { readonly route: Route; readonly handle: RouteHandler },
): RouteHandler {
  const { route: { method, name }, handle } = options;
  const counts = new Map<number, Count>();
  const count = (status: number) => {
    let held = counts.get(status);
    if (held === undefined) {
      const labels = { method, route: name, status: String(status) };
      held = parts.metrics.counter("openred_http_requests_total", labels);
      counts.set(status, held);
    }
    held.value += 1;
  };
  const pass = (response: Response) => {
    count(response.status);
    return response;
  };
  const fail = (error: unknown) => pass(errorResponse(parts, error));
  const answer: RouteHandler = (request, asked) => {
    try {
      const given = handle(request, asked);
      return given instanceof Promise ? given.then(pass, fail) : pass(given);
    } catch (error) {
      return fail(error);
    }
  };
  return (request, asked) => {
    if (!parts.metrics.isTiming) return answer(request, asked);
    return timed(parts, { name, answer: () => answer(request, asked) });
  };
}

function timed(
  { clock, metrics }: Pick<DirectoryParts, "clock" | "metrics">,
  { name, answer }: { readonly name: string; readonly answer: () => Response | Promise<Response> },
): Response | Promise<Response> {
  const startedMs = clock.monotonicMs();
  const end = () => metrics.observeRequest(name, (clock.monotonicMs() - startedMs) / 1000);
  const given = answer();
  if (given instanceof Promise) return given.finally(end);
  end();
  return given;
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

const LOOK_UP_START = `${NODES_PATH}/z`;

/** The path of a URL, as it stands. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", start);
  return url.slice(start, end < 0 ? url.length : end);
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
    const { method } = request;
    const path = pathOf(request.url);
    if (method === "GET" && path.startsWith(LOOK_UP_START)) {
      const id = path.slice(LOOK_UP_START.length - 1);
      if (/^[0-9A-Za-z]+$/.test(id)) return handlers.lookUp(request, { id, source });
    }
    return fixed.get(`${method} ${path}`)?.(request, { id: "", source }) ?? null;
  };
}

/** Serves every route of the table. `source` is whom a request's address stands for. */
export function createApi(
  parts: Pick<DirectoryParts, "clock" | "config" | "log" | "metrics">,
  handlers: DirectoryHandlers,
): (request: Request, source: string) => Response | Promise<Response> {
  const entries = ROUTES.map((route) =>
    [route.name, counted(parts, { route, handle: handlers[route.name] })] as const
  );
  const all = Object.fromEntries(entries) as DirectoryHandlers;
  const call = createPlainCalls(all);
  const base = new URL(parts.config.url).pathname.replace(/\/$/, "");
  const app = createApp(parts, { base, handlers: all });
  const page = (request: Request) => {
    const path = pathOf(request.url);
    const isBelow = base !== "" && path.startsWith(`${base}/`);
    return answerLinkPage(request, isBelow ? path.slice(base.length) : path);
  };
  return (request, source) =>
    call(request, source) ?? page(request) ?? app.fetch(request, { source });
}
