/**
 * What a directory answers on the listener for whoever watches it: metrics, whether it runs, whether it works.
 *
 * @module
 */
import { hasBearer } from "../ports/bearer_token.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { jsonResponse, problemResponse } from "../protocol/http.ts";
import {
  HEALTH_WATCH_PATH,
  type HealthView,
  METRICS_PATH,
  METRICS_TYPE,
  READY_PATH,
  type ReadyView,
  type Trouble,
} from "../protocol/metrics.ts";

interface Watched {
  /** In the text format of Prometheus. */
  metrics(): Promise<string>;
  health(): HealthView;
  /** What keeps it from its work. Neither throws nor rejects. */
  troubles(): Promise<readonly Trouble[]>;
}

function unauthorized(): Response {
  const response = problemResponse(
    new OpenRedError("unauthorized", "The metrics token is missing or wrong"),
  );
  response.headers.set("www-authenticate", "Bearer");
  return response;
}

/** Without the token a caller gets a status and nothing else. */
function told(isTrusted: boolean, view: HealthView | ReadyView, status: number): Response {
  return isTrusted
    ? jsonResponse(view, status)
    : new Response(null, { status, headers: { "cache-control": "no-store" } });
}

/** Answers one request. @throws What `metrics` throws. */
export async function answerWatch(
  request: Request,
  { token, watched }: { readonly token: string; readonly watched: Watched },
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (![METRICS_PATH, HEALTH_WATCH_PATH, READY_PATH].includes(pathname)) {
    return problemResponse(new OpenRedError("not_found", "There is nothing here"));
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return problemResponse(new OpenRedError("method_not_allowed", "This path takes GET"));
  }
  const isTrusted = hasBearer(request, token);
  if (pathname === HEALTH_WATCH_PATH) return told(isTrusted, watched.health(), 200);
  if (pathname === READY_PATH) {
    const troubles = await watched.troubles();
    const ready = troubles.length === 0;
    return told(isTrusted, { ready, troubles }, ready ? 200 : 503);
  }
  if (!isTrusted) return unauthorized();
  return new Response(await watched.metrics(), {
    headers: { "content-type": METRICS_TYPE, "cache-control": "no-store" },
  });
}
