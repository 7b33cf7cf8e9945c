/**
 * Requests that one thread takes and another one answers.
 *
 * @module
 */
import { BytesBody, SocketRequest } from "../ports/system_request.ts";
import type { Answer } from "./listening.ts";

/** A request as messages carry it. */
export interface PassedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  /** `null`: nobody asks for it. */
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** Of the other end of its connection. */
  readonly address: string;
}

/** An answer as messages carry it. */
export interface PassedAnswer {
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Packs a request. */
export function packRequest(
  { method, url, headers }: Request,
  { body, address }: Pick<PassedRequest, "body" | "address">,
): PassedRequest {
  return { method, url, headers: [...headers], body, address };
}

/** Answers a request of another thread as one of this thread's own. */
export async function answerPassed(
  { method, url, headers, body, address }: PassedRequest,
  answer: Answer,
): Promise<PassedAnswer> {
  const request = new SocketRequest({
    head: { method, url, headers: new Map(headers) },
    body: body === null ? null : new BytesBody(body),
    connection: {
      watch: () => new AbortController().signal,
      takeOver: () => {
        throw new TypeError("A connection stays in the thread that accepted it");
      },
    },
  });
  const answered = await answer(request.asRequest(), address);
  return {
    status: answered.status,
    headers: [...answered.headers],
    body: await answered.bytes(),
  };
}

/** The answer that another thread gave. */
export function unpackAnswer({ status, headers, body }: PassedAnswer): Response {
  const content = body.length === 0 ? null : body;
  return new Response(content, { status, headers });
}
