/**
 * From what a handler gives or throws to an answer that is counted.
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";
import { problemResponse } from "../protocol/http.ts";
import type { Count, Counters } from "./counters.ts";
import type { RouteHandler } from "./handlers.ts";
import type { Limiter } from "./limiters.ts";
import type { DirectoryParts } from "./parts.ts";
import type { Route } from "./routes.ts";

/** What answering takes. */
export interface AnsweringParts extends Pick<DirectoryParts, "log"> {
  readonly metrics: Pick<Counters, "counter" | "count">;
}

/** Turns what a handler threw into an answer; what nobody foresaw is logged. */
export function errorResponse(
  parts: AnsweringParts,
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

/** The handler of a route that neither throws nor rejects, counted by the status of its answers. */
export function counted(
  parts: AnsweringParts,
  options: { readonly route: Pick<Route, "method" | "name">; readonly handle: RouteHandler },
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
  return (request, asked) => {
    try {
      const given = handle(request, asked);
      return given instanceof Promise ? given.then(pass, fail) : pass(given);
    } catch (error) {
      return fail(error);
    }
  };
}

/** Counts a request for its source and has it answered, or refuses it. Neither throws nor rejects. */
export function withinLimit(
  parts: AnsweringParts,
  options: {
    readonly limiter: Limiter;
    readonly source: string;
    /** Neither throws nor rejects. */
    readonly answer: () => Response | Promise<Response>;
  },
): Response | Promise<Response> {
  const { limiter, source, answer } = options;
  try {
    const counting = limiter.check(source);
    if (counting === undefined) return answer();
    return counting.then(answer, (error) => errorResponse(parts, error));
  } catch (error) {
    return errorResponse(parts, error);
  }
}
