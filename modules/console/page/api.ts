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

/** Settled once no answer is awaited that may give the session new secrets. */
let renewed: Promise<unknown> = Promise.resolve();

/**
 * Whether a request was refused only since the session has had new secrets since it left.
 * @param secret The one that it left with.
 */
async function wasOvertaken(path: string, secret: string | null): Promise<boolean> {
  if (!path.startsWith(AUTH)) await renewed;
  const now = keptSecret();
  return now !== null && now !== secret;
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
  const secret = keptSecret();
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: headersFor(secret, content),
      credentials: "same-origin",
      redirect: "error",
      ...(content === undefined ? {} : { body: content }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    reachable.value = false;
    throw new ApiError("offline", "");
  }
  reachable.value = true;
  if (answer.ok) return answer;
  const refusal = await refusalOf(answer);
  if (answer.status === 401 && !path.startsWith("/auth/v1/sign-in")) {
    if (await wasOvertaken(path, secret)) return await ask(method, path, body, signal);
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
  if (!path.startsWith(AUTH)) return await (await ask("POST", path, body)).json() as T;
  const asking = askForSecrets<T>(path, body);
  renewed = Promise.allSettled([renewed, asking]);
  return await asking;
}

async function askForSecrets<T>(path: string, body: unknown): Promise<T> {
  const answer = await (await ask("POST", path, body)).json() as T & { session?: unknown };
  if (typeof answer.session === "string") keepSession(answer.session);
  return answer;
}

/** @throws {ApiError} */
export async function put<T>(path: string, body: unknown): Promise<T> {
  return await (await ask("PUT", path, body)).json() as T;
}
