/**
 * Signed requests to one ACME authority (RFC 8555 §6).
 *
 * @module
 */
import * as v from "valibot";
import type { Clock, HttpAnswer, HttpClient } from "../../ports/ports.ts";
import { sleep } from "../../ports/sleep.ts";
import { sanitizeLine } from "../../protocol/safe_text.ts";
import { parseJson } from "../../protocol/schemas.ts";
import {
  acmeAccountSchema,
  type AcmeDirectory,
  acmeDirectorySchema,
  type AcmeProblem,
  acmeProblemSchema,
} from "./acme_schemas.ts";
import { type AccountKey, signRequest } from "./signing.ts";

const CALL_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_NONCES_TRIED = 10;
const MAX_DETAIL = 300;
const FIRST_POLL_MS = 500;
const LAST_POLL_MS = 8_000;
/** An authority may ask for more patience, but not for more than this. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** Why there is no certificate, in words for the operator. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  /** When the authority wants to be asked again; `null` where it does not say. */
  readonly retryAfterMs: number | null;
  /** The authority's own name for it, such as `badNonce`; empty where it gives none. */
  readonly kind: string;

  constructor(
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number; readonly kind?: string } = {},
  ) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.kind = options.kind ?? "";
  }
}

/** What an authority says, which is a stranger's text. */
export function detailOf(problem: AcmeProblem): string {
  const said = sanitizeLine(problem.detail.slice(0, MAX_DETAIL));
  return said === "" ? kindOf(problem) : `${said} (${kindOf(problem)})`;
}

/** The last part of `urn:ietf:params:acme:error:…`. */
function kindOf({ type }: AcmeProblem): string {
  return sanitizeLine(type.split(":").at(-1) ?? "");
}

function retryAfterOf({ headers }: HttpAnswer): number | null {
  const seconds = Number(headers.get("retry-after") ?? NaN);
  return seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : null;
}

export interface AcmePorts {
  readonly clock: Pick<Clock, "setTimer">;
  readonly http: HttpClient;
}

/** Speaks to an authority as one account. */
export class AcmeConnection {
  readonly #ports: AcmePorts;
  readonly #account: AccountKey;
  readonly #signal: AbortSignal;
  #directory: AcmeDirectory | null = null;
  #nonce: string | null = null;
  #kid: string | null = null;

  /** @param signal Ends everything that is under way. */
  constructor(ports: AcmePorts, account: AccountKey, signal: AbortSignal) {
    this.#ports = ports;
    this.#account = account;
    this.#signal = signal;
  }

  get thumbprint(): string {
    return this.#account.thumbprint;
  }

  /** What the authority takes orders at. */
  get directory(): AcmeDirectory {
    if (this.#directory === null) throw new TypeError("Cannot order before there is an account");
    return this.#directory;
  }

  /**
   * Makes sure that there is an account with this key, whose owner agrees to the terms.
   * @throws {AcmeError} Where the authority takes none.
   */
  async open(directoryUrl: string): Promise<void> {
    const answer = await this.#call({ method: "GET", url: directoryUrl });
    if (answer.status !== 200) throw this.#problem(answer);
    this.#directory = this.#read(acmeDirectorySchema, answer);
    if (this.#directory.meta?.externalAccountRequired === true) {
      throw new AcmeError("The authority takes accounts only that were made elsewhere before");
    }
    const account = await this.post(this.#directory.newAccount, { termsOfServiceAgreed: true });
    const { status } = this.#read(acmeAccountSchema, account);
    const kid = account.headers.get("location");
    if (status !== "valid" || kid === null) {
      throw new AcmeError("The authority has closed this account");
    }
    this.#kid = kid;
  }

  /** Reads something of the account's. @throws {AcmeError} */
  async get<const S extends v.GenericSchema>(schema: S, url: string): Promise<v.InferOutput<S>> {
    return this.#read(schema, await this.post(url, null));
  }

  /**
   * Sends a signed request, again with another nonce where the first one was used up.
   * @throws {AcmeError} For any answer that is no success.
   */
  async post(url: string, content: unknown): Promise<HttpAnswer> {
    for (let tried = 1;; tried++) {
      const nonce = await this.#takeNonce();
      const body = await signRequest(this.#account, { url, nonce, kid: this.#kid, content });
      const answer = await this.#call({ method: "POST", url, body });
      if (answer.status >= 200 && answer.status < 300) return answer;
      const error = this.#problem(answer);
      if (error.kind !== "badNonce" || tried === MAX_NONCES_TRIED) throw error;
    }
  }

  /** Reads something until it `isDone`. @throws {AcmeError} */
  async poll<const S extends v.GenericSchema>(
    schema: S,
    url: string,
    isDone: (value: v.InferOutput<S>) => boolean,
  ): Promise<v.InferOutput<S>> {
    for (let pauseMs = FIRST_POLL_MS;; pauseMs = Math.min(2 * pauseMs, LAST_POLL_MS)) {
      const answer = await this.post(url, null);
      const value = this.#read(schema, answer);
      if (isDone(value)) return value;
      const wantedMs = Math.min(retryAfterOf(answer) ?? 0, LAST_POLL_MS);
      await sleep(this.#ports.clock, Math.max(pauseMs, wantedMs), this.#signal);
    }
  }

  /** Reads the answer to a request. @throws {AcmeError} Where it is none of that shape. */
  #read<const S extends v.GenericSchema>(schema: S, { body }: HttpAnswer): v.InferOutput<S> {
    try {
      return v.parse(schema, parseJson(body));
    } catch (cause) {
      throw new AcmeError("The authority's answer is none of ACME", { cause });
    }
  }

  #problem(answer: HttpAnswer): AcmeError {
    const retryAfterMs = retryAfterOf(answer);
    const wait = retryAfterMs === null ? {} : { retryAfterMs };
    let content: unknown = null;
    try {
      content = parseJson(answer.body);
    } catch {
      // The status has to say it.
    }
    const problem = v.safeParse(acmeProblemSchema, content);
    if (!problem.success) return new AcmeError(`The authority answered ${answer.status}`, wait);
    const text = `The authority answered ${answer.status}: ${detailOf(problem.output)}`;
    return new AcmeError(text, { ...wait, kind: kindOf(problem.output) });
  }

  async #takeNonce(): Promise<string> {
    if (this.#nonce === null) await this.#call({ method: "GET", url: this.directory.newNonce });
    const nonce = this.#nonce;
    this.#nonce = null;
    if (nonce === null) throw new AcmeError("The authority gives no nonce");
    return nonce;
  }

  async #call(
    { method, url, body }: {
      readonly method: "GET" | "POST";
      readonly url: string;
      readonly body?: Uint8Array<ArrayBuffer>;
    },
  ): Promise<HttpAnswer> {
    const answer = await this.#ports.http.request({
      method,
      url,
      headers: body === undefined ? {} : { "content-type": "application/jose+json" },
      ...(body === undefined ? {} : { body }),
      timeoutMs: CALL_TIMEOUT_MS,
      maxAnswerBytes: MAX_ANSWER_BYTES,
      signal: this.#signal,
    });
    const nonce = answer.headers.get("replay-nonce");
    if (nonce !== null && /^[A-Za-z0-9_-]{1,1024}$/.test(nonce)) this.#nonce = nonce;
    return answer;
  }
}
