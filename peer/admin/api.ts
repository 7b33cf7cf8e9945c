/**
 * The admin API: loopback only, for whoever can read the node's 0600 file, and for browsers that have signed in at the
 * console (docs/ARCHITECTURE.md).
 *
 * @module
 */
import { Hono } from "hono";
import * as v from "valibot";
import {
  type ServerSentEventMessage,
  ServerSentEventStream,
} from "@std/http/server-sent-event-stream";
import { isOfProgram } from "../../ports/bearer_token.ts";
import { isToOwnHost } from "../../ports/loopback.ts";
import type { RouteAccess } from "../../modules/api.ts";
import type { Clock, Log, LogSwitch } from "../../ports/ports.ts";
import { backupInputSchema, connectInputSchema, VIEWER_EVENTS } from "../../protocol/admin_api.ts";
import { ADMIN_PROOF_PATH, answerAdminProof } from "../../protocol/admin_proof.ts";
import { logInputSchema } from "../../protocol/log_api.ts";
import { tokensQuerySchema } from "../../protocol/token_api.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { jsonResponse, problemResponse, queryOf, readBodyInTime } from "../../protocol/http.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import { logStorageFailure, withStorageReason } from "../store/store.ts";
import type { NodeEvents } from "../events/events.ts";
import { faultResponse, faultText } from "../events/faults.ts";
import type { AuditDesk } from "./audit_desk.ts";
import { addAuditRoutes } from "./audit_routes.ts";
import type { BackupDesk } from "./backup_desk.ts";
import { type Caller, checkAccess, checkRole, stepUpIf } from "./caller.ts";
import { addConsoleRoutes, type ConsoleLinks } from "./console_links.ts";
import type { NodeControl } from "./control.ts";
import type { InvitationDesk } from "./invitation_desk.ts";
import { addInvitationRoutes } from "./invitation_routes.ts";
import { MODULE_ROUTES, type ModuleRoutes } from "../modules/module_routes.ts";
import { addModuleRoutes, type ModuleKeeper } from "./module_routes.ts";
import { addPeerRoutes, type AddPost, addRequestRoutes, type RouteLimits } from "./peer_routes.ts";
import { addPassphraseRoutes, type PassphraseDesk } from "./passphrase_desk.ts";
import { addPhraseRoutes, type PhraseDesk } from "./phrase_desk.ts";
import type { RequestDesk } from "./request_desk.ts";
import { addRestorationRoutes, type RestorationDesk } from "./restoration_desk.ts";
import { addSuccessionRoutes, type SuccessionDesk } from "./succession_desk.ts";
import { addSettingsRoutes, type SettingsDesk } from "./settings_desk.ts";
import type { TokenDesk } from "./token_desk.ts";
import { addTokenRoutes } from "./token_routes.ts";
import type { WatchApi } from "../monitoring/watch_api.ts";

const MAX_INPUT_BYTES = 512 * 1024;
const KEEP_ALIVE_MS = 15_000;
/** A reader of events that falls further behind is let go, and may ask again. */
const MAX_EVENTS_BEHIND = 1_000;
const SIGN_IN_MS = 3_600_000;

const discoverQuerySchema = v.strictObject({
  service: v.optional(v.pipe(v.string(), v.maxLength(64))),
  alias: v.optional(v.pipe(v.string(), v.maxLength(64))),
  limit: v.optional(v.pipe(v.string(), v.regex(/^\d{1,3}$/))),
});

interface AdminParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly logSwitch: LogSwitch;
  readonly events: NodeEvents;
  readonly audit: AuditDesk;
  readonly backup: BackupDesk;
  readonly phrase: PhraseDesk;
  readonly passphrase: PassphraseDesk;
  readonly succession: SuccessionDesk;
  readonly restoration: RestorationDesk;
  readonly settings: SettingsDesk;
  readonly tokens: TokenDesk;
  /** What it answers to whoever watches the node, by a token of its own. */
  readonly watch: Pick<WatchApi, "has" | "answer">;
  readonly invitations: InvitationDesk;
  readonly requests: RequestDesk;
  readonly modules: ModuleKeeper;
  readonly moduleRoutes: ModuleRoutes;
  readonly consoleLinks: ConsoleLinks;
}

/** What the routes are given besides the request. */
interface Env {
  readonly Bindings: { readonly caller: Caller };
}

type AddGet = (
  path: string,
  handler: (request: Request, caller: Caller) => Promise<Response> | Response,
  access?: RouteAccess,
) => void;

/** For whoever may look. */
const VIEW: RouteAccess = { role: "viewer" };

/** The admin API of one node. */
export class AdminApi {
  readonly #control: NodeControl;
  readonly #parts: AdminParts;
  readonly #token: string;
  readonly #app = new Hono<Env>();
  readonly #streams = new Set<() => void>();
  #signedInMs = -Infinity;

  constructor(
    control: NodeControl,
    parts: AdminParts,
    token: string,
  ) {
    this.#control = control;
    this.#parts = parts;
    this.#token = token;
    this.#get("/id", async () => jsonResponse(await control.identity()), VIEW);
    this.#get("/places", () => jsonResponse(control.places()));
    this.#get("/status", () => jsonResponse(control.status()), VIEW);
    this.#get("/discover", async (request) => {
      checkQuery(request, discoverQuerySchema);
      return jsonResponse(await control.discover(queryOf(request)));
    });
    this.#get("/events", (request, caller) => this.#events(request, caller), VIEW);
    addAuditRoutes(
      this.#get,
      parts.audit,
      (peer) => control.contacts.identify(peer),
    );
    this.#get("/peers", () => jsonResponse(control.contacts.list()), VIEW);
    this.#get("/groups", () => jsonResponse({ groups: control.contacts.groups() }), VIEW);
    addPeerRoutes(this.#post, control.contacts);
    this.#get(
      "/tokens",
      (request) => jsonResponse(parts.tokens.list(checkQuery(request, tokensQuerySchema))),
      VIEW,
    );
    addTokenRoutes(this.#post, parts.tokens);
    this.#get("/requests", () => jsonResponse(parts.requests.list()));
    addRequestRoutes(this.#post, parts.requests);
    this.#answerGet("/invitations", () => jsonResponse(parts.invitations.list()));
    addInvitationRoutes(this.#post, parts.invitations);
    addConsoleRoutes({
      get: this.#get,
      post: this.#post,
    }, parts.consoleLinks);
    this.#post("/backup", backupInputSchema, (input) => parts.backup.answer(input), {
      stepUp: "once",
    });
    addPhraseRoutes(this.#post, parts.phrase);
    addSuccessionRoutes(this.#post, parts.succession);
    addRestorationRoutes(this.#post, parts.restoration);
    this.#answerGet("/passphrase", async () => jsonResponse(await parts.passphrase.view()));
    addPassphraseRoutes(this.#post, parts.passphrase);
    this.#answerGet("/settings", async () => jsonResponse(await parts.settings.list()));
    addSettingsRoutes(this.#post, parts.settings);
    this.#post(
      "/connect",
      connectInputSchema,
      ({ peer, wait_ms: waitMs, name = null }, signal) =>
        control.connect(peer, { waitMs, name, signal }),
      { stepUp: ({ peer }) => stepUpIf(control.contacts.widens(peer)) },
    );
    this.#answerGet("/log", () => jsonResponse({ level: parts.logSwitch.level }), VIEW);
    this.#answerPost("/log", logInputSchema, ({ level }) => {
      parts.logSwitch.level = level;
      return Promise.resolve({ level });
    });
    this.#app.all("/admin/v1/log", () => notAllowed("GET and POST"));
    addModuleRoutes({
      get: this.#get,
      post: this.#post,
    }, parts.modules);
    this.#app.all(
      `${MODULE_ROUTES}*`,
      ({ req, env }) =>
        parts.moduleRoutes.answer(
          req.raw,
          (access, asked) => checkAccess(env.caller, access, asked),
        ),
    );
    this.#app.notFound(() =>
      problemResponse(new OpenRedError("not_found", "There is nothing at this path"))
    );
    this.#app.onError((error) => this.#problem(error));
  }

  /** All that it answers, but for routes of modules. */
  get routes(): readonly { readonly method: string; readonly path: string }[] {
    return this.#app.routes.filter(({ method, path }) => method !== "ALL" && !path.endsWith("*"));
  }

  /** Answers one request. Never rejects. */
  async handle(request: Request): Promise<Response> {
    try {
      this.#checkHost(request);
      if (new URL(request.url).pathname === ADMIN_PROOF_PATH) {
        return await answerAdminProof(request, this.#token);
      }
      if (this.#parts.watch.has(request)) return await this.#parts.watch.answer(request);
      this.#authorize(request);
      return await this.handleFor(request, null);
    } catch (error) {
      return this.#problem(error);
    }
  }

  /** Answers whoever is known already. Never rejects. */
  async handleFor(request: Request, caller: Caller): Promise<Response> {
    try {
      return await this.#app.fetch(request, { caller });
    } catch (error) {
      return this.#problem(error);
    }
  }

  /** Ends all event streams. */
  stop(): void {
    for (const end of [...this.#streams]) end();
  }

  /** Adds a path that takes GET alone. */
  readonly #get: AddGet = (path, handler, access) => {
    this.#answerGet(path, handler, access);
    this.#app.all(`/admin/v1${path}`, () => notAllowed("GET"));
  };

  /** Adds a path that takes POST, besides what was added before. */
  readonly #post: AddPost = (path, schema, handler, limits) => {
    this.#answerPost(path, schema, handler, limits);
    this.#app.all(`/admin/v1${path}`, () => notAllowed("POST"));
  };

  /** @param access For the owner alone unless it says so. */
  #answerGet(...[path, handler, access = {}]: Parameters<AddGet>): void {
    this.#app.get(`/admin/v1${path}`, async ({ req: { raw, path, method }, env: { caller } }) => {
      await checkAccess(caller, access, { method, path, body: new Uint8Array() });
      return await handler(raw, caller);
    });
  }

  #answerPost<const S extends v.GenericSchema>(
    path: string,
    schema: S,
    handler: (input: v.InferOutput<S>, gone: AbortSignal) => Promise<unknown>,
    { maxBytes = MAX_INPUT_BYTES, stepUp, ...access }: RouteLimits<v.InferOutput<S>> = {},
  ): void {
    this.#app.post(`/admin/v1${path}`, async ({ req: { raw, path, method }, env: { caller } }) => {
      const { clock } = this.#parts;
      checkRole(caller, access);
      const body = await readBodyInTime(raw, { maxBytes, clock });
      const input = parseInput(schema, parseJson(body));
      const stepUpOf = () => typeof stepUp === "function" ? stepUp(input) : stepUp ?? null;
      await checkAccess(caller, { ...access, stepUp: stepUpOf }, { method, path, body });
      const answer = await handler(input, raw.signal);
      return answer instanceof Response ? answer : jsonResponse(answer);
    });
  }

  #checkHost(request: Request): void {
    if (isToOwnHost(request)) return;
    this.#parts.events.auditStranger("admin_sign_in", { success: false });
    throw new OpenRedError("forbidden", "The admin API is for programs of this machine only");
  }

  #authorize(request: Request): void {
    if (!isOfProgram(request, this.#token)) {
      this.#parts.events.auditStranger("admin_sign_in", { success: false });
      throw new OpenRedError("unauthorized", "The admin token is missing or wrong");
    }
    this.#noteSignIn();
  }

  /** Every command shows the token anew, so that one entry an hour says enough. */
  #noteSignIn(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#signedInMs < SIGN_IN_MS) return;
    this.#signedInMs = nowMs;
    this.#parts.events.audit("admin_sign_in", { success: true });
  }

  #problem(error: unknown): Response {
    if (error instanceof OpenRedError) {
      if (error.code === "overloaded") logStorageFailure(this.#parts.log, error);
      return problemResponse(withStorageReason(error));
    }
    this.#parts.log.log("error", "admin_request_failed", { text: faultText(error) });
    return faultResponse();
  }

  #events({ signal }: Request, caller: Caller): Response {
    let end = () => {};
    const isForAll = caller === null || caller.role === "owner";
    const stream = new ReadableStream<ServerSentEventMessage>({
      start: (controller) => {
        const write = (message: ServerSentEventMessage) => {
          if ((controller.desiredSize ?? 0) < -MAX_EVENTS_BEHIND) return end();
          controller.enqueue(message);
        };
        const unsubscribe = this.#control.subscribe((event) => {
          if (!isForAll && !VIEWER_EVENTS.has(event.type)) return;
          write({ event: event.type, data: JSON.stringify(event) });
        });
        let cancelTimer = () => {};
        const keepAlive = () => {
          write({ comment: "still here" });
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
        for (const gone of [signal, caller?.ended]) {
          if (gone?.aborted) end();
          gone?.addEventListener("abort", () => end(), { once: true });
        }
      },
      cancel: () => end(),
    });
    return new Response(stream.pipeThrough(new ServerSentEventStream()), {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
    });
  }
}

function notAllowed(method: string): Response {
  return problemResponse(new OpenRedError("method_not_allowed", `This path takes ${method}`));
}

function checkQuery<const S extends v.GenericSchema>(
  request: Request,
  schema: S,
): v.InferOutput<S> {
  return parseInput(schema, Object.fromEntries(queryOf(request)));
}
