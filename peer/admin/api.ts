/**
 * The admin API: loopback only, for whoever can read the node's 0600 file (docs/ARCHITECTURE.md).
 *
 * @module
 */
import { Hono } from "hono";
import * as v from "valibot";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { Clock, Log } from "../../ports/ports.ts";
import { connectInputSchema, sendInputSchema } from "../../protocol/admin_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { jsonResponse, problemResponse, readBody } from "../../protocol/http.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { NodeControl } from "./control.ts";

const MAX_INPUT_BYTES = 512 * 1024;
const MAX_INBOX_LIMIT = 1_000;
const KEEP_ALIVE_MS = 15_000;

const inboxQuerySchema = v.strictObject({
  after: v.optional(wholeNumber(0, Number.MAX_SAFE_INTEGER), "0"),
  limit: v.optional(wholeNumber(1, MAX_INBOX_LIMIT), "100"),
});

const discoverQuerySchema = v.strictObject({
  service: v.optional(v.pipe(v.string(), v.maxLength(64))),
  alias: v.optional(v.pipe(v.string(), v.maxLength(64))),
  limit: v.optional(v.pipe(v.string(), v.regex(/^\d{1,3}$/))),
});

function wholeNumber(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,16}$/),
    v.transform(Number),
    v.minValue(least),
    v.maxValue(most),
  );
}

/** The admin API of one node. */
export class AdminApi {
  readonly #control: NodeControl;
  readonly #parts: { readonly clock: Clock; readonly log: Log };
  readonly #token: Uint8Array;
  readonly #app = new Hono();
  readonly #streams = new Set<() => void>();

  constructor(
    control: NodeControl,
    parts: { clock: Clock; log: Log },
    token: string,
  ) {
    this.#control = control;
    this.#parts = parts;
    this.#token = encodeUtf8(token);
    this.#get("/id", async () => jsonResponse(await control.identity()));
    this.#get("/status", () => jsonResponse(control.status()));
    this.#get(
      "/inbox",
      (request) => jsonResponse(control.inbox(queryOf(request, inboxQuerySchema))),
    );
    this.#get("/discover", async (request) => {
      queryOf(request, discoverQuerySchema);
      return jsonResponse(await control.discover(new URL(request.url).searchParams));
    });
    this.#get("/events", (request) => this.#events(request));
    this.#post(
      "/connect",
      connectInputSchema,
      ({ peer, wait_ms }) => control.connect(peer, wait_ms),
    );
    this.#post(
      "/messages",
      sendInputSchema,
      ({ peer, text, wait_ms }) => control.send({ peer, text, waitMs: wait_ms }),
    );
    this.#app.notFound(() =>
      problemResponse(new OpenRedError("not_found", "There is nothing at this path"))
    );
    this.#app.onError((error) => this.#problem(error));
  }

  /** Answers one request. Never rejects. */
  async handle(request: Request): Promise<Response> {
    try {
      this.#authorize(request);
      return await this.#app.fetch(request);
    } catch (error) {
      return this.#problem(error);
    }
  }

  /** Ends all event streams. */
  stop(): void {
    for (const end of [...this.#streams]) end();
  }

  #get(path: string, handler: (request: Request) => Promise<Response> | Response): void {
    this.#app.get(`/admin/v1${path}`, (context) => handler(context.req.raw));
    this.#app.all(`/admin/v1${path}`, () => notAllowed("GET"));
  }

  #post<const S extends v.GenericSchema>(
    path: string,
    schema: S,
    handler: (input: v.InferOutput<S>) => Promise<unknown>,
  ): void {
    this.#app.post(`/admin/v1${path}`, async (context) => {
      const body = await readBody(context.req.raw, MAX_INPUT_BYTES);
      return jsonResponse(await handler(parseInput(schema, parseJson(body))));
    });
    this.#app.all(`/admin/v1${path}`, () => notAllowed("POST"));
  }

  /** A page of a browser may reach loopback; it neither knows the token nor may it send an Origin. */
  #authorize(request: Request): void {
    const given = encodeUtf8(request.headers.get("authorization")?.replace(/^Bearer /, "") ?? "");
    const equal = given.length === this.#token.length && timingSafeEqual(given, this.#token);
    if (!equal || request.headers.has("origin")) {
      throw new OpenRedError("unauthorized", "The admin token is missing or wrong");
    }
  }

  #problem(error: unknown): Response {
    if (error instanceof OpenRedError) return problemResponse(error);
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#parts.log.log("error", "admin_request_failed", { text });
    return problemResponse(new OpenRedError("internal", "The node failed; its log says more"));
  }

  #events(request: Request): Response {
    let end = () => {};
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const write = (text: string) => controller.enqueue(encodeUtf8(text));
        const unsubscribe = this.#control.subscribe((event) =>
          write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
        );
        let cancelTimer = () => {};
        const keepAlive = () => {
          write(": still here\n\n");
          cancelTimer = this.#parts.clock.setTimer(KEEP_ALIVE_MS, keepAlive);
        };
        keepAlive();
        end = () => {
          unsubscribe();
          cancelTimer();
          if (!this.#streams.delete(end)) return;
          try {
            controller.close();
          } catch {
            // The reader has gone first, which closes the stream as well.
          }
        };
        this.#streams.add(end);
        request.signal.addEventListener("abort", () => end(), { once: true });
      },
      cancel: () => end(),
    });
    return new Response(stream, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }
}

function notAllowed(method: string): Response {
  return problemResponse(new OpenRedError("method_not_allowed", `This path takes ${method}`));
}

function queryOf<const S extends v.GenericSchema>(request: Request, schema: S): v.InferOutput<S> {
  return parseInput(schema, Object.fromEntries(new URL(request.url).searchParams));
}
