/**
 * The HTTP habits that directory and node share: capped bodies, problem+json.
 *
 * @module
 */
import { concatBytes } from "../crypto/encoding.ts";
import { ERROR_STATUS, OpenRedError } from "./errors.ts";
import { AnswerHead, TextAnswer } from "./text_answer.ts";

const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
} as const;

function tooLarge(maxBytes: number): OpenRedError {
  return new OpenRedError("too_large", `Expected a body of at most ${maxBytes} bytes`);
}

/** What is read of a body before somebody is asked about the rest. */
const JUDGED_BYTES = 64;

/**
 * Says from the beginning of a body, at least 64 bytes of it or all, how long it may be; called once.
 * @throws {OpenRedError} To refuse it before the rest is read.
 */
export type JudgeBody = (begin: Uint8Array) => number;

async function readStream(
  stream: ReadableStream<Uint8Array>,
  options: { readonly maxBytes: number; readonly judge: JudgeBody | null },
): Promise<Uint8Array<ArrayBuffer>> {
  const { judge } = options;
  let { maxBytes } = options;
  let isJudged = judge === null;
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      length += read.value.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      chunks.push(read.value);
      if (judge === null || isJudged || length < JUDGED_BYTES) continue;
      isJudged = true;
      maxBytes = judge(concatBytes(...chunks));
      if (length > maxBytes) throw tooLarge(maxBytes);
    }
    if (!isJudged) judge?.(concatBytes(...chunks));
    return concatBytes(...chunks);
  } catch (error) {
    await reader.cancel();
    throw error;
  }
}

/**
 * Reads a body, giving up as soon as it is longer than `maxBytes`.
 * @throws {OpenRedError} `too_large`, or `bad_request` for a body that broke off.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  judge: JudgeBody | null = null,
): Promise<Uint8Array<ArrayBuffer>> {
  const { headers } = request;
  const named = headers.get("content-length") ?? "";
  if (Number(named) > maxBytes) throw tooLarge(maxBytes);
  // A server holds a sender to the length it named, and reading it whole takes half the time.
  const isKnown = judge === null && /^\d+$/.test(named) && !headers.has("transfer-encoding");
  if (!isKnown && request.body === null) return new Uint8Array();
  try {
    const body = isKnown
      ? await request.bytes()
      : await readStream(request.body!, { maxBytes, judge });
    if (body.length > maxBytes) throw tooLarge(maxBytes);
    return body;
  } catch (cause) {
    if (cause instanceof OpenRedError) throw cause;
    throw new OpenRedError("bad_request", "The body broke off", { cause });
  }
}

/** How long the whole of a request's body may take. */
const BODY_TIMEOUT_MS = 10_000;

/**
 * As {@linkcode readBody}, and giving up on a body that does not arrive within 10 s, so that nobody keeps a
 * server busy by sending slowly.
 * @throws {OpenRedError} As {@linkcode readBody}; `bad_request` for a body that took too long.
 */
export async function readBodyInTime(
  request: Request,
  options: {
    readonly maxBytes: number;
    readonly judge?: JudgeBody;
    readonly clock: { setTimer(delayMs: number, callback: () => void): () => void };
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const late = Promise.withResolvers<never>();
  const cancel = options.clock.setTimer(BODY_TIMEOUT_MS, () => {
    late.reject(new OpenRedError("bad_request", "The body did not arrive in time"));
  });
  try {
    return await Promise.race([readBody(request, options.maxBytes, options.judge), late.promise]);
  } finally {
    cancel();
  }
}

/** The parameters of a request's query. The URL around them need not be one: its host is the client's text. */
export function queryOf(request: Request): URLSearchParams {
  const at = request.url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : request.url.slice(at + 1));
}

/** The head of an answer of JSON. */
export const JSON_HEAD = new AnswerHead(200, {
  ...SECURITY_HEADERS,
  "content-type": "application/json",
});

/** Answers JSON. */
export function jsonResponse(content: unknown, status = 200): Response {
  const head = status === 200 ? JSON_HEAD : new AnswerHead(status, JSON_HEAD.headers);
  return new TextAnswer(head, JSON.stringify(content)).asResponse();
}

/** What answers an error: problem+json (RFC 9457) with its stable `code`. */
export function problemAnswer(error: OpenRedError): TextAnswer {
  const status = ERROR_STATUS[error.code];
  const headers: Record<string, string> = {
    ...SECURITY_HEADERS,
    "content-type": "application/problem+json",
  };
  if (error.retryAfterMs !== null) {
    headers["retry-after"] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
  }
  const title = error.code.replaceAll("_", " ");
  const problem = { type: "about:blank", title, status, detail: error.message, code: error.code };
  const head = new AnswerHead(status, headers);
  return new TextAnswer(head, JSON.stringify({ ...problem, ...error.members }));
}

/** As {@linkcode problemAnswer}, for whoever handles answers. */
export function problemResponse(error: OpenRedError): Response {
  return problemAnswer(error).asResponse();
}
