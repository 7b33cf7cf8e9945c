/**
 * The node's answers to the console.
 *
 * @module
 */
/// <reference lib="dom" />
import { signal } from "@preact/signals";
import { toBase64Url } from "./base64url.ts";

const SESSION_KEY = "openred_session";
const SESSION_HEADER = "OpenRed-Session";
/** Where what is asked for may give the session new secrets. */
const AUTH = "/auth/v1/";
/** Held by the tab whose request may give the session new secrets, until it has kept them. */
const RENEWAL = "openred_session_renewal";
const STORAGE_MS = 300;

/** What the node refused, in its own words. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, text: string, members: Readonly<Record<string, unknown>> = {}) {
    super(text);
    this.code = code;
    this.members = members;
  }
}

/** The code of what the node refused; an empty text for any other failure. */
export function codeOf(error: unknown): string {
  return error instanceof ApiError ? error.code : "";
}

/** Whether the node answers, and knows who this is. */
export const signedIn = signal<boolean | null>(null);
export const reachable = signal(true);

export interface FactorAsk {
  readonly action: string;
  /** SHA-256 of the body that the factor is for, base64url. */
  readonly body_sha256: string;
}

/** Asks for a factor before something is done; resolves with whether one was given. */
export type AskFactor = (what: FactorAsk) => Promise<boolean>;

let askFactor: AskFactor = () => Promise.resolve(false);

/** Says who asks for factors. */
export function setAskFactor(ask: AskFactor): void {
  askFactor = ask;
}

/** The half of the session that the page keeps; the other one is a cookie. */
export function keepSession(secret: string | null): void {
  if (secret === null) localStorage.removeItem(SESSION_KEY);
  else localStorage.setItem(SESSION_KEY, secret);
}

export function keepsSession(): boolean {
  return keptSecret() !== null;
}

function keptSecret(): string | null {
  return localStorage.getItem(SESSION_KEY);
}

/** Whether the answer to a request may give the session new secrets. */
function mayRenew(method: string, path: string): boolean {
  return method === "POST" && path.startsWith(AUTH);
}

/**
 * Whether a request was refused only since the session, of which all tabs have the same, has had new secrets since it
 * left.
 * @param secret The one that it left with.
 */
async function wasOvertaken(secret: string | null): Promise<boolean> {
  await navigator.locks.request(RENEWAL, { mode: "shared" }, () => {});
  if (keptSecret() === null) return false;
  const isOther = () => keptSecret() !== null && keptSecret() !== secret;
  return isOther() || await untilKept(isOther);
}

/** What one tab keeps another one sees a moment later. */
function untilKept(isKept: () => boolean): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const look = () => isKept() && resolve(true);
  addEventListener("storage", look);
  setTimeout(() => resolve(isKept()), STORAGE_MS);
  return promise.finally(() => removeEventListener("storage", look));
}

async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toBase64Url(new Uint8Array(hash));
}

function headersFor(secret: string | null, body: unknown): Record<string, string> {
  return {
    ...(secret === null ? {} : { [SESSION_HEADER]: secret }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
}

async function refusalOf(answer: Response): Promise<ApiError> {
  try {
    const problem = await answer.json();
    const text = String(problem.detail ?? problem.title ?? "");
    return new ApiError(String(problem.code ?? "internal"), text, problem);
  } catch {
    return new ApiError("internal", `${answer.status} ${answer.statusText}`);
  }
}

interface Sending {
  readonly method: string;
  readonly path: string;
  readonly content: string | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Sent {
  readonly answer: Response;
  /** What the request left with. */
  readonly secret: string | null;
}

/** @throws {ApiError} `offline`. */
async function send({ method, path, content, signal }: Sending): Promise<Sent> {
  const secret = keptSecret();
  try {
    const answer = await fetch(path, {
      method,
      headers: headersFor(secret, content),
      credentials: "same-origin",
      redirect: "error",
      ...(content === undefined ? {} : { body: content }),
      ...(signal === undefined ? {} : { signal }),
    });
    reachable.value = true;
    return { answer, secret };
  } catch (error) {
    if (signal?.aborted) throw error;
    reachable.value = false;
    throw new ApiError("offline", "");
  }
}

/** Keeps the secret that the answer gives, before any other tab asks for one. */
async function sendForSecrets(request: Sending): Promise<Sent> {
  const sent = await send(request);
  if (!sent.answer.ok) return sent;
  const { session } = await sent.answer.clone().json() as { session?: unknown };
  if (typeof session === "string") keepSession(session);
  return sent;
}

/**
 * Asks the node, whatever it answers with.
 * @throws {ApiError} What it refuses; `offline` where it does not answer.
 */
export async function ask(
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const content = method === "GET" ? undefined : JSON.stringify(body ?? {});
  const request = { method, path, content, signal };
  const { answer, secret } = mayRenew(method, path)
    ? await navigator.locks.request(RENEWAL, () => sendForSecrets(request))
    : await send(request);
  if (answer.ok) return answer;
  const refusal = await refusalOf(answer);
  if (answer.status === 401 && !path.startsWith("/auth/v1/sign-in")) {
    if (await wasOvertaken(secret)) return await ask(method, path, body, signal);
    signedIn.value = false;
  }
  if (refusal.code !== "step_up_required") throw refusal;
  const action = typeof refusal.members.action === "string" ? refusal.members.action : path;
  const given = await askFactor({ action, body_sha256: await hashOf(content ?? "") });
  if (!given) throw new ApiError("not_confirmed", refusal.message);
  return await ask(method, path, body, signal);
}

/** @throws {ApiError} */
export async function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const text = new URLSearchParams(query).toString();
  return await (await ask("GET", text === "" ? path : `${path}?${text}`)).json() as T;
}

/** @throws {ApiError} */
export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  return await (await ask("POST", path, body)).json() as T;
}

/** @throws {ApiError} */
export async function put<T>(path: string, body: unknown): Promise<T> {
  return await (await ask("PUT", path, body)).json() as T;
}
