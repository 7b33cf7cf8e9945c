/**
 * What every answer to a bad request has to be.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { ERROR_STATUS, type ErrorCode } from "../../protocol/errors.ts";
import { CANARY } from "./bad_json.ts";

const STACK = /\bat .+:\d+:\d+|\.ts\b|\.js\b|node_modules|(Type|Range|Syntax|Reference)Error/;
const MAX_DETAIL_LENGTH = 200;

/** What an answer was: `taken`, or the code it refused with. */
export type Outcome = "taken" | ErrorCode;

export interface Judged {
  readonly answer: Response;
  /** Must stand in no answer, whatever it says. */
  readonly secrets: readonly string[];
  /** Codes above 499 that this request may have for a reason of its own. */
  readonly allowed?: readonly ErrorCode[];
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_STATUS, code);
}

/** Reads an answer and fails the test unless it is one of those allowed. */
export async function judgeAnswer({ answer, secrets, allowed = [] }: Judged): Promise<Outcome> {
  const { status, headers } = answer;
  if (headers.get("content-type") === "text/event-stream") {
    await answer.body?.cancel();
    return "taken";
  }
  const text = await answer.text();
  for (const secret of secrets) assert(!text.includes(secret), "A secret stands in an answer");
  if (status >= 200 && status < 300) return "taken";
  return judgeRefusal({ status, headers, text, allowed });
}

function judgeRefusal(
  refusal: { status: number; headers: Headers; text: string; allowed: readonly ErrorCode[] },
): ErrorCode {
  const { status, headers, text, allowed } = refusal;
  assertEquals(headers.get("content-type"), "application/problem+json", `${status} ${text}`);
  assert(!text.includes(CANARY), `The input stands in the answer ${text}`);
  if (text === "") {
    assert(status >= 400 && status < 500, `status ${status} to HEAD`);
    return status === 404 ? "not_found" : "bad_request";
  }
  const problem = JSON.parse(text);
  const { code } = problem;
  assert(isErrorCode(code), `The code ${code} is not a known one`);
  assertEquals([status, problem.status], [ERROR_STATUS[code], ERROR_STATUS[code]], text);
  assert(status < 500 || allowed.includes(code), text);
  if (status === 429 || status === 503) assert(Number(headers.get("retry-after")) > 0, text);
  assertEquals(typeof problem.detail, "string");
  assert(problem.detail.length <= MAX_DETAIL_LENGTH && !STACK.test(problem.detail), text);
  return code;
}
