/**
 * Sealed calls by POST to the path of their type: the answer may come with the response.
 *
 * @module
 */
import * as v from "valibot";
import { encodeBase64Url, encodeUtf8, type NodeId } from "../../crypto/encoding.ts";
import type { HttpAnswer } from "../../ports/ports.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { CALL_TIMEOUT_MS, CALL_WAIT_MS, MAX_CALL_RESPONSE_BYTES } from "../../protocol/limits.ts";
import { callResponseSchema, frameSessionId } from "../../protocol/peer_api.ts";
import { parseInput, parseJson } from "../../protocol/schemas.ts";
import type { FrameVerdict } from "../sessions/frame_intake.ts";
import type { PostParts } from "./post_queue.ts";

export interface CallPostParts extends Pick<PostParts, "http" | "urlOf" | "checkUrl" | "unknown"> {
  readonly receive: (frame: Uint8Array) => Promise<FrameVerdict>;
}

export interface CallPost {
  readonly path: string;
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

/** Posts sealed calls. How many are under way is the caller's to bound. */
export class CallPosts {
  readonly #parts: CallPostParts;

  constructor(parts: CallPostParts) {
    this.#parts = parts;
  }

  /**
   * Posts a call. A frame that comes back is taken as one that came on any other way.
   * @returns Whether the path is worth another try: a node, or a proxy before it, may have no such path.
   */
  async post(peer: NodeId, call: CallPost): Promise<boolean> {
    const url = this.#parts.urlOf(peer);
    const sessionId = frameSessionId(call.frame);
    if (url === null || sessionId === null) return true;
    const request = { session_id: encodeBase64Url(sessionId), data: encodeBase64Url(call.frame) };
    try {
      await this.#parts.checkUrl(url, call.signal);
      const answer = await this.#parts.http.request({
        method: "POST",
        url: url + call.path,
        headers: { "content-type": "application/json" },
        body: encodeUtf8(JSON.stringify(request)),
        timeoutMs: CALL_WAIT_MS + CALL_TIMEOUT_MS,
        maxAnswerBytes: MAX_CALL_RESPONSE_BYTES,
        signal: call.signal,
      });
      return await this.#take(peer, answer);
    } catch (error) {
      if (!(error instanceof OpenRedError) && !call.signal.aborted) throw error;
      return true;
    }
  }

  async #take(peer: NodeId, { status, body }: HttpAnswer): Promise<boolean> {
    // Busy, or asked too often: the path is there.
    if (status === 429 || status === 503) return true;
    const content = contentOf(body);
    if (status === 404 && content.code === "session_unknown") {
      this.#parts.unknown(peer);
      return true;
    }
    const response = v.safeParse(callResponseSchema, content);
    if (status !== 200 || !response.success) return false;
    const { data } = response.output;
    if (data !== undefined) await this.#parts.receive(data);
    return true;
  }
}

/** The members of a JSON object; none where there is no object: anything may come from a stranger's address. */
function contentOf(body: Uint8Array): Record<string, unknown> {
  try {
    return parseInput(v.record(v.string(), v.unknown()), parseJson(body));
  } catch (error) {
    if (!(error instanceof OpenRedError)) throw error;
    return {};
  }
}
