/**
 * Pushing a half to its node.
 *
 * @module
 */
import { encodeUtf8 } from "../crypto/encoding.ts";
import { RECEIVE_PATH } from "../protocol/directory_api.ts";
import { hasCode } from "../protocol/errors.ts";
import { CALL_TIMEOUT_MS, MAX_CALLBACK_ANSWER_BYTES } from "../protocol/limits.ts";
import type { HostCall } from "./called_hosts.ts";
import type { DirectoryParts } from "./parts.ts";
import { checkApiUrl } from "./url_check.ts";

/** What happened to a push. */
export type PushResult = "taken" | "refused" | "unreachable";

/**
 * Pushes an envelope to the node behind a URL. Every failure of the call itself is a result.
 * @throws {OpenRedError} `rate_limited` by the host's limits.
 */
export async function pushEnvelope(
  parts: Pick<
    DirectoryParts,
    "clock" | "config" | "hosts" | "http" | "metrics" | "own" | "resolver"
  >,
  options: {
    /** `wanted` by the requester for its target, its `own` for itself. */
    readonly call: HostCall;
    readonly envelope: string;
  },
): Promise<PushResult> {
  const { apiUrl, why } = options.call;
  const count = (result: PushResult): PushResult => {
    parts.metrics.count("openred_pushes_total", {
      to: why === "own" ? "requester" : "target",
      result,
    });
    return result;
  };
  const content = { envelope: options.envelope, directory: parts.own.text };
  try {
    await checkApiUrl(parts, apiUrl);
    const answer = await parts.hosts.call(options.call, () =>
      parts.http.request({
        method: "POST",
        url: apiUrl + RECEIVE_PATH,
        headers: { "content-type": "application/json" },
        body: encodeUtf8(JSON.stringify(content)),
        timeoutMs: CALL_TIMEOUT_MS,
        maxAnswerBytes: MAX_CALLBACK_ANSWER_BYTES,
      }));
    return count(answer.status >= 200 && answer.status <= 299 ? "taken" : "refused");
  } catch (error) {
    if (hasCode(error, "unreachable", "url_refused")) return count("unreachable");
    throw error;
  }
}
