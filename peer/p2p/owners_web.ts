/**
 * Addresses that the owner named, asked for a built-in module.
 *
 * @module
 */
import { encodeUtf8 } from "../../crypto/encoding.ts";
import type { OwnersWeb } from "../../modules/api.ts";
import type { OpenBytes } from "../../ports/byte_streams.ts";
import type { HttpClient } from "../../ports/ports.ts";

const ANSWER_MS = 30_000;
const IDLE_MS = 30_000;

export interface OwnersWebParts {
  readonly http: HttpClient;
  readonly openBytes: OpenBytes;
  /** @throws {OpenRedError} Where it must not be called. */
  readonly checkUrl: (url: string, signal: AbortSignal) => Promise<void>;
}

/** Makes it. */
export function createOwnersWeb({ http, openBytes, checkUrl }: OwnersWebParts): OwnersWeb {
  return {
    post: async ({ url, json, maxAnswerBytes, signal }) => {
      await checkUrl(url, signal);
      const { status, body } = await http.request({
        method: "POST",
        url,
        headers: { "content-type": "application/json" },
        body: encodeUtf8(JSON.stringify(json)),
        timeoutMs: ANSWER_MS,
        maxAnswerBytes,
        signal,
      });
      return { status, body };
    },
    bytes: async ({ url, from, signal }) => {
      await checkUrl(url, signal);
      const headers = { range: `bytes=${from}-` };
      return await openBytes({ url, headers, timeoutMs: ANSWER_MS, idleMs: IDLE_MS, signal });
    },
  };
}
