/**
 * Stand-in for `jsr:@std/http/unstable-problem-details` (RFC 9457).
 *
 * @module
 */
import { STATUS_TEXT } from "./status.ts";

const MEDIA_TYPE = "application/problem+json";

/** The members that RFC 9457 names. */
export type StandardProblemDetailsMember = "type" | "status" | "title" | "detail" | "instance";

/** Any further members. */
export type ProblemDetailsExtensions = Omit<Record<string, unknown>, StandardProblemDetailsMember>;

/** A problem, with further members beside the named ones. */
export type ProblemDetails<T extends ProblemDetailsExtensions = Record<string, never>> =
  & {
    /** A URI, `about:blank` if left out. */
    type?: string;
    status?: number;
    title?: string;
    detail?: string;
    instance?: string;
  }
  & T;

/** Options of {@linkcode createProblemDetailsResponse}. */
export interface ProblemDetailsResponseOptions {
  headers?: HeadersInit;
  statusText?: string;
}

/**
 * Makes a response of a problem. `status` is 500 if left out; with `about:blank` the title is that
 * of the status.
 * @throws {RangeError} On a status that is no integer, or none of a response.
 */
export function createProblemDetailsResponse<T extends ProblemDetailsExtensions>(
  problemDetails: ProblemDetails<T>,
  options: ProblemDetailsResponseOptions = {},
): Response {
  const problem: Record<string, unknown> = { ...problemDetails };
  problem.type ??= "about:blank";
  problem.status ??= 500;
  const status = problem.status as number;
  if (!Number.isInteger(status)) {
    throw new RangeError(
      "Cannot create Problem Details response: status must be a finite integer: received " +
        (typeof status === "string" ? `"${status}"` : String(status)),
    );
  }
  const title = (STATUS_TEXT as Record<number, string>)[status];
  if (problem.type === "about:blank" && title !== undefined) problem.title ??= title;
  const headers = new Headers(options.headers);
  headers.set("Content-Type", MEDIA_TYPE);
  const { statusText } = options;
  const init = statusText === undefined ? { status, headers } : { status, headers, statusText };
  return new Response(JSON.stringify(problem), init);
}

function describeKind(input: unknown): string {
  if (input === null) return "null";
  return Array.isArray(input) ? "an array" : typeof input;
}

/** Whether a member has the type that RFC 9457 §3.1 asks for; others are ignored. */
function isWellTyped(name: string, value: unknown): boolean {
  if (name === "status") return Number.isInteger(value);
  return !["type", "title", "detail", "instance"].includes(name) || typeof value === "string";
}

/**
 * Reads a problem out of parsed JSON. Named members of a wrong type are left out.
 * @throws {TypeError} If the input is no object.
 */
export function parseProblemDetails<T extends ProblemDetailsExtensions = Record<string, never>>(
  input: unknown,
): ProblemDetails<T> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new TypeError(
      `Cannot parse Problem Details: expected a JSON object, but got ${describeKind(input)}`,
    );
  }
  const members = Object.entries(input).filter(([name, value]) => isWellTyped(name, value));
  return Object.fromEntries(members) as ProblemDetails<T>;
}

/**
 * Reads a problem out of a response, whose body is used up.
 * @throws {TypeError} If it is no object.
 * @throws {SyntaxError} If it is no JSON.
 */
export async function parseProblemDetailsResponse<
  T extends ProblemDetailsExtensions = Record<string, never>,
>(input: Response): Promise<ProblemDetails<T>> {
  return parseProblemDetails<T>(await input.json());
}

/** Tells whether a response says that it is a problem. */
export function isProblemDetailsResponse(response: Response): boolean {
  const [mediaType] = response.headers.get("Content-Type")?.split(";") ?? [];
  return mediaType?.trim().toLowerCase() === MEDIA_TYPE;
}
