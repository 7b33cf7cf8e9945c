/**
 * Requests of a module to the origins that the owner granted.
 *
 * @module
 */
import type { FetchAnswer, FetchRequest } from "../../modules/api.ts";
import type { HttpClient, Resolver } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { checkUrl } from "../../protocol/url_policy.ts";
import type { Grants } from "./grants.ts";

const TIMEOUT_MS = 30_000;
/** With its headers it fits into one message to the module. */
const MAX_ANSWER_BYTES = 960 * 2 ** 10;
const MAX_HEADERS = 32;
/** What the runtime sets, and what would speak for the owner's machine. */
const FORBIDDEN_HEADERS =
  /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|proxy-.*|expect)$/i;
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;
const HEADER_VALUE = /^[\x20-\x7e]{0,4096}$/;

interface FetchParts {
  readonly http: HttpClient;
  readonly resolver: Resolver;
}

/**
 * Fetches a URL of a granted origin. Loopback, private and other special addresses are refused, whatever name leads
 * there: a name that is bound anew after the check has no certificate for the origin. Redirects are not followed; the
 * module sees them, and may ask for where they lead, which is judged anew.
 * @throws {OpenRedError} `forbidden` for an origin that is not granted, or not any more, `url_refused`, `bad_request`, `unreachable`.
 */
export async function grantedFetch(
  { http, resolver }: FetchParts,
  grants: Grants,
  request: FetchRequest,
): Promise<FetchAnswer> {
  const url = URL.parse(request.url);
  if (url === null || url.username !== "" || url.password !== "") {
    throw new OpenRedError("bad_request", "Expected a URL without credentials");
  }
  return await grants.during(
    `fetch:${url.origin}`,
    (signal) => fetchFrom({ http, resolver }, { url, request, signal }),
  );
}

async function fetchFrom(
  { http, resolver }: FetchParts,
  { url, request, signal }: { url: URL; request: FetchRequest; signal: AbortSignal },
): Promise<FetchAnswer> {
  await checkUrl(url.origin, { allowPrivate: false, resolver });
  const { method = "GET", headers = {}, body } = request;
  signal.throwIfAborted();
  checkHeaders(headers);
  if (body !== undefined && method === "GET") {
    throw new OpenRedError("bad_request", "A GET has no body");
  }
  const answer = await http.request({
    method,
    url: url.href,
    headers,
    timeoutMs: TIMEOUT_MS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
    signal,
    ...(body === undefined ? {} : { body: body.slice() }),
  });
  return {
    status: answer.status,
    headers: Object.fromEntries([...answer.headers].filter(([name]) => name !== "set-cookie")),
    body: answer.body,
  };
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  const entries = Object.entries(headers);
  const isFit = entries.length <= MAX_HEADERS &&
    entries.every(([name, value]) =>
      HEADER_NAME.test(name) && !FORBIDDEN_HEADERS.test(name) && HEADER_VALUE.test(value)
    );
  if (!isFit) throw new OpenRedError("bad_request", "A header of this name or value is not sent");
}
