/**
 * The callback: whoever announces a URL must answer there (docs/PROTOCOL.md, "Callback").
 *
 * @module
 */
import { encodeBase64Url } from "../crypto/encoding.ts";
import { IDENTITY_PATH, identityAnswerSchema } from "../protocol/directory_api.ts";
import { hasCode, OpenRedError } from "../protocol/errors.ts";
import {
  CALL_TIMEOUT_MS,
  CLOCK_ALLOWANCE_MS,
  MAX_CALLBACK_ANSWER_BYTES,
} from "../protocol/limits.ts";
import type { VerifiedRecord } from "../protocol/record.ts";
import { parseGrowing, parseJson } from "../protocol/schemas.ts";
import { type IdentityStatement, openIdentityStatement } from "../protocol/statements.ts";
import { reasonOfStatus } from "../protocol/unreachable.ts";
import type { HostCall } from "./called_hosts.ts";
import type { DirectoryParts } from "./parts.ts";

const NONCE_BYTES = 16;

type CallbackParts = Pick<
  DirectoryParts,
  "clock" | "crypto" | "hosts" | "http" | "log" | "metrics" | "own" | "random"
>;

function failed(why: string, cause?: unknown): OpenRedError {
  return new OpenRedError("callback_failed", `The callback failed: ${why}`, { cause });
}

/** What answers is no node, or not at this path. */
function notAnswered(status: number): OpenRedError {
  const reason = reasonOfStatus(status);
  const what = reason === "redirects" ? "a redirect" : "another program, or a proxy";
  const text = `The callback failed: ${what} answers, with status ${status}`;
  return new OpenRedError("callback_failed", text, { members: { reason } });
}

/** All is right but the time: the node is told the directory's, and that its URL is not the reason. */
function skewed(nowMs: number): OpenRedError {
  return new OpenRedError("callback_failed", "The callback failed: iat is not within 120 s", {
    members: { now_at: nowMs },
  });
}

/** The first way in which a statement is not the answer to the question, or `null`. */
function findMismatch(
  statement: IdentityStatement,
  asked: { record: VerifiedRecord; nonce: string; directoryId: string; nowMs: number },
): OpenRedError | null {
  const { payload, id } = asked.record;
  if (statement.iss !== id) return failed("iss is not the node asked about");
  if (statement.aud !== asked.directoryId) return failed("aud is not this directory");
  if (statement.nonce !== asked.nonce) return failed("nonce is not the one sent");
  if (statement.api_url !== payload.api_url) return failed("api_url is not the record's");
  if (encodeBase64Url(statement.noise_key) !== encodeBase64Url(payload.noise_key)) {
    return failed("noise_key is not the record's");
  }
  const skewS = Math.abs(Math.floor(asked.nowMs / 1000) - statement.iat);
  return skewS * 1000 > CLOCK_ALLOWANCE_MS ? skewed(asked.nowMs) : null;
}

async function askIdentity(
  parts: CallbackParts,
  options: { readonly call: HostCall; readonly nonce: string },
): Promise<Uint8Array> {
  const query = `?nonce=${options.nonce}&directory=${parts.own.id}`;
  let answer;
  try {
    answer = await parts.hosts.call(options.call, () =>
      parts.http.request({
        method: "GET",
        url: options.call.apiUrl + IDENTITY_PATH + query,
        timeoutMs: CALL_TIMEOUT_MS,
        maxAnswerBytes: MAX_CALLBACK_ANSWER_BYTES,
      }));
  } catch (cause) {
    if (hasCode(cause, "rate_limited")) throw cause;
    throw failed("no whole answer in time", cause);
  }
  if (answer.status !== 200) throw notAnswered(answer.status);
  return answer.body;
}

/**
 * Asks the node behind a record's URL whether it is the record's node.
 * @throws {OpenRedError} `callback_failed`, or `rate_limited` by the host's limits.
 */
export async function callBack(
  parts: CallbackParts,
  record: VerifiedRecord,
  asked: Pick<HostCall, "why" | "source">,
): Promise<void> {
  try {
    await askAndJudge(parts, record, asked);
  } catch (error) {
    if (hasCode(error, "callback_failed")) {
      const { id, payload: { api_url: url } } = record;
      parts.log.log("info", "callback_failed", { id, url, why: error.message });
    }
    throw error;
  }
}

async function askAndJudge(
  parts: CallbackParts,
  record: VerifiedRecord,
  asked: Pick<HostCall, "why" | "source">,
): Promise<void> {
  const nonce = encodeBase64Url(parts.random.bytes(NONCE_BYTES));
  let statement;
  try {
    const call = { ...asked, apiUrl: record.payload.api_url, id: record.id };
    const body = await askIdentity(parts, { call, nonce });
    const { identity } = parseGrowing(identityAnswerSchema, parseJson(body));
    statement = await openIdentityStatement(parts.crypto, identity);
  } catch (cause) {
    if (hasCode(cause, "rate_limited")) throw cause;
    parts.metrics.count("openred_callbacks_total", { result: "failed" });
    if (hasCode(cause, "bad_request", "unsupported", "bad_signature")) {
      throw failed("the answer holds no identity statement", cause);
    }
    throw cause;
  }
  const nowMs = parts.clock.nowMs();
  const mismatch = findMismatch(statement, { record, nonce, directoryId: parts.own.id, nowMs });
  parts.metrics.count("openred_callbacks_total", { result: mismatch === null ? "ok" : "failed" });
  if (mismatch !== null) throw mismatch;
}
