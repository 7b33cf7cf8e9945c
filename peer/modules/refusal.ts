/**
 * What a module throws, as an error of the node.
 *
 * @module
 */
import { ERROR_STATUS, type ErrorCode, OpenRedError } from "../../protocol/errors.ts";

const MAX_MESSAGE_LENGTH = 200;

function isCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_STATUS, code) && code !== "internal";
}

/**
 * A refusal as an {@linkcode OpenRedError}; `null` for anything else, which is a fault of the module.
 * @param error What it threw: an error of the node, or an object with `code` and `message`.
 */
export function refusalOf(error: unknown): OpenRedError | null {
  if (error instanceof OpenRedError) return error;
  if (typeof error !== "object" || error === null) return null;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (!isCode(code)) return null;
  const text = typeof message === "string" && message !== "" ? message : "The module refused this";
  return new OpenRedError(code, text.slice(0, MAX_MESSAGE_LENGTH), { cause: error });
}
