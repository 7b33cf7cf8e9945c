/**
 * What a node's refusal is to the person at the command line.
 *
 * @module
 */
import * as v from "valibot";
import { CommandError, EXIT_CODES, failure, type FailureCode } from "./command_error.ts";
import { sanitizeLine } from "../protocol/safe_text.ts";

const problemSchema = v.object({ code: v.string(), detail: v.optional(v.string(), "") });

/** What helps, beside what the node says. */
const HINTS: Readonly<Record<string, string>> = {
  node_unknown: "No directory knows this node. Is it running, and registered with one of yours?",
  method_none: "You and this node have no crypto method in common",
};

/** What is added to what the node says. */
const ADVICE: Readonly<Record<string, string>> = {
  url_refused: "; a node calls private addresses and http names with --allow-private only",
};

/** An answer without success. */
export interface Refusal {
  readonly status: number;
  /** `null` for an answer that is no problem+json. */
  readonly problem: { readonly code: string; readonly detail: string } | null;
}

/** @param content The answer's JSON; anything else for none. */
export function readRefusal(status: number, content: unknown): Refusal {
  const parsed = v.safeParse(problemSchema, content);
  return { status, problem: parsed.success ? parsed.output : null };
}

/** The exit code by what was answered: only what the node could not read is wrong input. */
function exitCodeOf(status: number): FailureCode {
  if (status === 400 || status === 413) return EXIT_CODES.usage;
  if (status === 404) return EXIT_CODES.unknown;
  if (status === 429 || status === 502 || status === 503) return EXIT_CODES.unanswered;
  return status < 500 ? EXIT_CODES.refused : EXIT_CODES.failed;
}

export function toError({ status, problem }: Refusal): Error {
  if (problem === null) return failure(`The node answered with status ${status}`);
  const { code, detail } = problem;
  const what = HINTS[code] ?? (detail === "" ? "The node refused" : detail);
  const advice = what.includes("--") ? "" : ADVICE[code] ?? "";
  const line = sanitizeLine(`${what}${advice} (${code})`);
  const exitCode = code === "url_refused" ? EXIT_CODES.refused : exitCodeOf(status);
  return new CommandError(exitCode, line, { code });
}
