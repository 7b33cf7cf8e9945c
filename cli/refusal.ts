/**
 * What a node's refusal is to the person at the command line.
 *
 * @module
 */
import * as v from "valibot";
import { failure, usageError } from "./command_error.ts";
import { sanitizeLine } from "./sanitize.ts";

const problemSchema = v.object({ code: v.string(), detail: v.optional(v.string(), "") });

const HINTS: Readonly<Record<string, string>> = {
  node_unknown: "No directory knows this node. Is it running, and registered with one of yours?",
  target_unreachable: "The directory could not reach this node",
  unreachable: "Nobody answered in time",
  method_none: "You and this node have no crypto method in common",
  url_refused: "The directory refuses this node's URL",
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

/** What the node does not know is a failure; only what it could not read is wrong input. */
export function toError({ status, problem }: Refusal): Error {
  if (problem === null) return failure(`The node answered with status ${status}`);
  const { code, detail } = problem;
  const what = HINTS[code] ?? (detail === "" ? "The node refused" : detail);
  const line = sanitizeLine(`${what} (${code})`);
  return status === 400 || status === 413 ? usageError(line) : failure(line);
}
