/**
 * The owner's routes of modules, under `/m/<name>/` of the admin server.
 *
 * @module
 */
import type { RouteAccess, RouteAnswer, RouteRequest } from "../../modules/api.ts";
import type { Clock } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { METRICS_TYPE } from "../../protocol/metrics.ts";
import { readBodyInTime } from "../../protocol/http.ts";
import type { Background } from "../timing/background.ts";
import type { RunningModules } from "./frame_gate.ts";
import { runMiddleware } from "./middleware.ts";
import { refusalOf } from "./refusal.ts";
import type { Route } from "./registrations.ts";
import type { RunningModule } from "./running_module.ts";

export const MODULE_ROUTES = "/m/";

const MAX_BODY_BYTES = 2 ** 20;
const MAX_HEADER_LENGTH = 1_024;

/** Types that no browser runs. */
const TYPES: ReadonlySet<string> = new Set([
  "application/json",
  "application/octet-stream",
  "text/plain; charset=utf-8",
  METRICS_TYPE,
  "text/csv; charset=utf-8",
  "image/png",
  "image/jpeg",
  "image/webp",
  "image/gif",
]);
const HEADERS: ReadonlySet<string> = new Set([
  "cache-control",
  "content-language",
  "etag",
  "last-modified",
  "retry-after",
]);
/** Whatever a module answers is downloaded, never shown as a page of the node. */
const FIXED_HEADERS = {
  "cache-control": "no-store",
  "content-disposition": "attachment",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

interface RouteParts {
  readonly clock: Clock;
  readonly background: Background;
  readonly modules: RunningModules;
}

interface Target {
  readonly module: RunningModule;
  readonly path: string;
}

/** Refuses whoever may not ask for this. */
export type CheckAccess = (
  access: RouteAccess,
  asked: { readonly method: string; readonly path: string; readonly body: Uint8Array },
) => Promise<void>;

/** The routes of all modules that run. */
export class ModuleRoutes {
  readonly #parts: RouteParts;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  /**
   * Answers a request of somebody who is known.
   * @param check Called with what the route asks for.
   * @throws {OpenRedError} `not_found`, `method_not_allowed`, `bad_request`, `too_large`; what the module refuses;
   *   `internal` where it fails.
   */
  async answer(request: Request, check: CheckAccess): Promise<Response> {
    const url = new URL(request.url);
    const { module, path } = this.#target(url);
    const { route, params } = findRoute(module, request.method, path);
    const { clock, background, modules } = this.#parts;
    const body = await readBodyInTime(request, { maxBytes: MAX_BODY_BYTES, clock });
    const { method, pattern } = route;
    await check(route.access, { method, path: url.pathname, body });
    const given: RouteRequest = {
      method,
      path,
      params,
      query: Object.fromEntries(url.searchParams),
      body,
      signal: request.signal,
    };
    const call = {
      method,
      path: `${MODULE_ROUTES}${module.name}${pattern}`,
      peer: null,
      bytes: body.length,
    };
    try {
      await runMiddleware(modules.all, call, { owner: module, background });
      return toResponse(await module.run(() => route.handler(given)));
    } catch (error) {
      throw refusalOf(error) ?? error;
    }
  }

  #target({ pathname }: URL): Target {
    const [, name = "", rest = ""] = /^\/m\/([a-z0-9_]+)(\/.*)?$/.exec(pathname) ?? [];
    const module = this.#parts.modules.get(name);
    if (module === undefined) {
      throw new OpenRedError(
        "not_found",
        "No module of this name runs: openred-node module list says why",
      );
    }
    return { module, path: rest === "" ? "/" : rest };
  }
}

function findRoute(module: RunningModule, method: string, path: string) {
  const fitting = module.registered.routes.flatMap((route) => {
    const params = matchPattern(route.pattern, path);
    return params === null ? [] : [{ route, params }];
  });
  const found = fitting.find(({ route }) => route.method === method);
  if (found !== undefined) return found;
  if (fitting.length === 0) throw new OpenRedError("not_found", "There is nothing at this path");
  const methods = fitting.map(({ route }) => route.method).join(", ");
  throw new OpenRedError("method_not_allowed", `This path takes ${methods}`);
}

/** @returns The parameters, or `null` where the path is not of the pattern. */
export function matchPattern(
  pattern: Route["pattern"],
  path: string,
): Record<string, string> | null {
  // As most are, and each is held against each request.
  if (!pattern.includes(":") && !path.includes("%")) return pattern === path ? {} : null;
  const names = pattern.split("/");
  const segments = path.split("/");
  if (names.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const segment = decodeSegment(segments[index]!);
    if (segment === null) return null;
    if (!name.startsWith(":")) {
      if (name !== segment) return null;
    } else if (segment === "") return null;
    else params[name.slice(1)] = segment;
  }
  return params;
}

function decodeSegment(segment: string): string | null {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** The answer of a module as it leaves. @throws {RangeError} For what no module may answer. */
export function toResponse(answer: RouteAnswer): Response {
  const { status = 200, headers = {} } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError("Expected a status of 200 to 599");
  }
  const type = answer.json === undefined
    ? answer.type ?? "application/octet-stream"
    : "application/json";
  if (!TYPES.has(type)) {
    throw new RangeError("A module's answer has a type that is not in the list");
  }
  const all: Record<string, string> = { ...FIXED_HEADERS, "content-type": type };
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!HEADERS.has(lower) || value.length > MAX_HEADER_LENGTH) {
      throw new RangeError("A module's answer has a header that is not in the list");
    }
    all[lower] = value;
  }
  const body = answer.json === undefined ? answer.body ?? null : JSON.stringify(answer.json);
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  return new Response(hasBody ? body as BodyInit | null : null, { status, headers: all });
}
