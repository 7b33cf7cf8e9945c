import type { OpenRedError } from "../protocol/errors.ts";
import { unreachable } from "../protocol/unreachable.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "./ports.ts";
import { openChannel } from "./system_channel_opening.ts";
import { PUBLIC_TRUST, type Trust } from "./system_connection.ts";
import { runWithDeadline } from "./system_deadline.ts";

function joinChunks(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.length;
  }
  return joined;
}

function createTooLargeError(maxBytes: number): OpenRedError {
  return unreachable("The other end", "too_large", {
    cause: new RangeError(`The answer is larger than ${maxBytes} bytes`),
  });
}

/** Whether an answer is held to the length it names, being neither packed nor in pieces. */
function hasKnownLength({ headers }: Response): boolean {
  return /^\d+$/.test(headers.get("content-length") ?? "") && !headers.has("content-encoding") &&
    !headers.has("transfer-encoding");
}

/** Counts what comes out of any compression, so that a small answer cannot unpack to a large one. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  // Its length was judged already, and reading it whole takes half the time.
  if (hasKnownLength(response)) return new Uint8Array(await response.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) throw createTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  return joinChunks(chunks, length);
}

async function exchange(
  request: HttpRequest,
  options: { readonly client: Deno.HttpClient | null; readonly signal: AbortSignal },
): Promise<HttpAnswer> {
  const { client, signal } = options;
  const response = await fetch(request.url, {
    ...(client === null ? {} : { client }),
    method: request.method,
    headers: { ...request.headers },
    body: request.body ?? null,
    redirect: "manual",
    signal,
  });
  if (Number(response.headers.get("Content-Length")) > request.maxAnswerBytes) {
    await response.body?.cancel();
    throw createTooLargeError(request.maxAnswerBytes);
  }
  const body = await readBody(response, request.maxAnswerBytes);
  return { status: response.status, headers: response.headers, body };
}

/** HTTP over the runtime's `fetch`, and channels over sockets of our own. */
export function createSystemHttpClient(trust: Trust): HttpClient {
  const caCerts = [...trust.authorities];
  const client = caCerts.length === 0 ? null : Deno.createHttpClient({ caCerts });
  return {
    request: (request) =>
      runWithDeadline(request, (signal) => exchange(request, { client, signal })),
    openChannel: (options) => openChannel(options, trust),
  };
}

export const systemHttpClient: HttpClient = createSystemHttpClient(PUBLIC_TRUST);
