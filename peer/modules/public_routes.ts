/**
 * Routes of built-in modules for everybody, on the listener where peers connect.
 *
 * @module
 */
import type { PublicAnswer, PublicRequest, PublicRoute } from "../../modules/api.ts";
import type { Clock, PatientRequest } from "../../ports/ports.ts";
import { RateLimit } from "../../ports/rate_limits.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { queryOf } from "../../protocol/http.ts";
import type { Background } from "../timing/background.ts";
import type { RunningModules } from "./frame_gate.ts";
import { runMiddleware } from "./middleware.ts";
import { matchPattern } from "./module_routes.ts";
import { refusalOf } from "./refusal.ts";
import type { RunningModule } from "./running_module.ts";

const REQUESTS_PER_MINUTE = 1_200;
/** Answers that are being made or are leaving, of everybody and of one source. */
const MAX_OPEN = 256;
const MAX_OPEN_PER_SOURCE = 64;
const MAX_HEADER_LENGTH = 2_048;

const HEADERS: ReadonlySet<string> = new Set([
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-language",
  "content-range",
  "content-security-policy",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "etag",
  "permissions-policy",
  "referrer-policy",
  "retry-after",
]);
const USUAL_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; sandbox",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

interface RouteParts {
  readonly clock: Clock;
  readonly background: Background;
  readonly modules: RunningModules;
}

interface Found {
  readonly module: RunningModule;
  readonly route: PublicRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** Where a request came to, and how. */
export interface PublicAsked {
  /** Below the node's URL. */
  readonly path: string;
  /** Whom it is counted for. */
  readonly source: string;
  readonly isRelayed: boolean;
}

/** The public routes of all modules that run. */
export class PublicRoutes {
  readonly #parts: RouteParts;
  readonly #requests: RateLimit;
  readonly #perSource = new Map<string, number>();
  #open = 0;

  constructor(parts: RouteParts) {
    this.#parts = parts;
    this.#requests = new RateLimit(parts.clock, {
      perMinute: REQUESTS_PER_MINUTE,
      what: "from one address",
    });
  }

  /**
   * Answers a request of anybody.
   * @returns `null` where no module has anything at this path.
   * @throws {OpenRedError} `method_not_allowed`, `rate_limited`, `overloaded`, `too_large`; what the module refuses.
   */
  async answer(
    request: Request,
    of: PublicAsked,
  ): Promise<Response | null> {
    const found = this.#find(request.method, of.path);
    if (found === null) return null;
    this.#requests.check(of.source);
    const leave = this.#enter(of.source);
    try {
      return toResponse(await this.#ask(found, request, of), leave);
    } catch (error) {
      leave();
      throw refusalOf(error) ?? error;
    }
  }

  #find(method: string, path: string): Found | null {
    const fitting = [...this.#parts.modules.all].flatMap((module) =>
      module.registered.publicRoutes.flatMap((route) => {
        const params = matchPattern(route.pattern, path);
        return params === null ? [] : [{ module, route, params }];
      })
    );
    const found = fitting.find(({ route }) => route.method === method);
    if (found !== undefined || fitting.length === 0) return found ?? null;
    const methods = fitting.map(({ route }) => route.method).join(", ");
    throw new OpenRedError("method_not_allowed", `This path takes ${methods}`);
  }

  /** @returns What gives the place back; to be called once or more. */
  #enter(source: string): () => void {
    const own = this.#perSource.get(source) ?? 0;
    if (own >= MAX_OPEN_PER_SOURCE || this.#open >= MAX_OPEN) {
      throw new OpenRedError("overloaded", "Too many answers are under way", {
        retryAfterMs: 1_000,
      });
    }
    this.#open += 1;
    this.#perSource.set(source, own + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#open -= 1;
      const left = this.#perSource.get(source)! - 1;
      if (left > 0) this.#perSource.set(source, left);
      else this.#perSource.delete(source);
    };
  }

  async #ask(
    { module, route, params }: Found,
    request: Request,
    { path, source, isRelayed }: PublicAsked,
  ): Promise<PublicAnswer> {
    const { modules, background } = this.#parts;
    const { method, pattern, maxBodyBytes = 0 } = route;
    checkBodyLength(request, maxBodyBytes);
    const call = { method, path: pattern, peer: null, bytes: 0 };
    await runMiddleware(modules.all, call, { owner: module, background });
    const given: PublicRequest = {
      method,
      path,
      params,
      query: Object.fromEntries(queryOf(request)),
      headers: headersOf(request, route),
      body: bodyOf(request, maxBodyBytes),
      source,
      isRelayed,
      signal: request.signal,
    };
    return await module.run(() => route.handler(given));
  }
}

function tooLarge(maxBytes: number): OpenRedError {
  return new OpenRedError("too_large", `Expected a body of at most ${maxBytes} bytes`);
}

/** @throws {OpenRedError} `too_large` for a body that says so beforehand, and for any where none is taken. */
function checkBodyLength({ headers }: Request, maxBytes: number): void {
  const isOpenEnded = headers.has("transfer-encoding") && maxBytes === 0;
  if (isOpenEnded || Number(headers.get("content-length") ?? 0) > maxBytes) {
    throw tooLarge(maxBytes);
  }
}

function headersOf({ headers }: Request, { headers: names = [] }: PublicRoute) {
  const found = names.map((name) => [name, headers.get(name)] as const);
  return Object.fromEntries(found.filter((one): one is [string, string] => one[1] !== null));
}

/** Counts what comes; a part is read when somebody asks for one. */
function bodyOf(request: Request, maxBytes: number): PublicRequest["body"] {
  if (maxBytes === 0) return null;
  (request as PatientRequest).takeTime?.();
  const reader = request.body?.getReader();
  if (reader === undefined) return null;
  let left = maxBytes;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch((cause) => {
        if (cause instanceof OpenRedError) throw cause;
        throw new OpenRedError("bad_request", "The body broke off", { cause });
      });
      if (done) return controller.close();
      left -= value.length;
      if (left < 0) {
        await reader.cancel();
        throw tooLarge(maxBytes);
      }
      controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** @param leave Called once nothing of the answer is under way here any more. */
function toResponse(answer: PublicAnswer, leave: () => void): Response {
  const { status = 200, json, body, type, headers = {} } = answer;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new RangeError("Expected a status of 200 to 599");
  }
  const usual = json === undefined ? "application/octet-stream" : "application/json";
  const all = new Headers({ ...USUAL_HEADERS, "content-type": type ?? usual });
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADERS.has(name.toLowerCase()) || value.length > MAX_HEADER_LENGTH) {
      throw new RangeError("A public answer has a header that is not in the list");
    }
    all.set(name, value);
  }
  if (body !== undefined && "parts" in body) {
    all.set("content-length", String(body.bytes));
    return new Response(untilOver(body.parts, leave), { status, headers: all });
  }
  leave();
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  if (!hasBody) return new Response(null, { status, headers: all });
  if (json !== undefined) return new Response(JSON.stringify(json), { status, headers: all });
  const bytes = (body ?? new Uint8Array()) as Uint8Array<ArrayBuffer>;
  all.set("content-length", String(bytes.length));
  return new Response(bytes, { status, headers: all });
}

/** The same stream, of which somebody hears that it has ended, however it did. */
function untilOver(
  parts: ReadableStream<Uint8Array>,
  over: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = parts.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value as Uint8Array<ArrayBuffer>);
        over();
        controller.close();
      } catch (error) {
        over();
        throw error;
      }
    },
    async cancel(reason) {
      over();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
