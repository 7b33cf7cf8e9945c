/**
 * The small schemas that every wire format is built of, and the one way to run them.
 *
 * @module
 */
import * as v from "valibot";
import { decodeBase64Url, decodeUtf8, isNodeId, type NodeId } from "../crypto/encoding.ts";
import { OpenRedError } from "./errors.ts";
import { MAX_NAME_LENGTH, MAX_NAMES, PROTOCOL_VERSION } from "./limits.ts";

/** A node id, in its one valid form. */
export const nodeIdSchema = v.custom<NodeId>(
  (input) => typeof input === "string" && isNodeId(input),
  "Expected a node id",
);

/** Strict base64url of exactly `length` bytes; decoded. */
export function bytesSchema(length: number) {
  return v.pipe(
    v.string(),
    v.length(Math.ceil((length * 4) / 3)),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = decodeBase64Url(dataset.value);
      if (bytes?.length === length) return bytes;
      addIssue({ message: `Expected base64url of ${length} bytes` });
      return NEVER;
    }),
  );
}

/** Strict base64url of at most `maxLength` bytes; decoded. */
export function maxBytesSchema(maxLength: number) {
  return v.pipe(
    v.string(),
    v.maxLength(Math.ceil((maxLength * 4) / 3)),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = decodeBase64Url(dataset.value);
      if (bytes !== null) return bytes;
      addIssue({ message: "Expected base64url without padding" });
      return NEVER;
    }),
  );
}

/** An integer from 0 to 2⁵³ − 1. */
export const integerSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A whole number as a query says it, in decimal digits; read. */
export function wholeNumber(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,16}$/),
    v.transform(Number),
    v.minValue(least),
    v.maxValue(most),
  );
}

/** A flag: absent and `false` are the same. */
export const flagSchema = v.optional(v.boolean(), false);

/** A name of a suite, method or service: 1–64 printable ASCII characters. */
export const nameSchema = v.pipe(
  v.string(),
  v.regex(/^[\x20-\x7e]+$/),
  v.maxLength(MAX_NAME_LENGTH),
);

export const namesSchema = v.pipe(v.array(nameSchema), v.maxLength(MAX_NAMES));

/** Where an issue lies and what it says, never the value itself. */
function describeIssues(issues: readonly v.BaseIssue<unknown>[]): string {
  const [issue] = issues;
  if (issue === undefined) return "The input does not have the expected form";
  // The name of a member that no schema has is input as well.
  if (issue.type === "strict_object" && issue.expected === "never") {
    return "The input has a member that is not known here";
  }
  const path = v.getDotPath(issue as v.BaseIssue<unknown>);
  const isOurs = ["check", "custom"].includes(issue.type) || issue.kind === "transformation";
  const what = isOurs
    ? issue.message
    : issue.expected === null || issue.expected === undefined
    ? issue.type
    : `expected ${issue.expected}`;
  return path === null ? `The input is not valid: ${what}` : `Member ${path} is not valid: ${what}`;
}

/**
 * Checks a value at the edge.
 * @throws {OpenRedError} `bad_request`, naming the member and never its value.
 */
export function parseInput<const S extends v.GenericSchema>(
  schema: S,
  input: unknown,
): v.InferOutput<S> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  throw new OpenRedError("bad_request", describeIssues(result.issues));
}

/**
 * Reads JSON text or its UTF-8 bytes.
 * @throws {OpenRedError} `bad_request`.
 */
export function parseJson(input: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof input === "string" ? input : decodeUtf8(input));
  } catch (cause) {
    throw new OpenRedError("bad_request", "The input is not JSON in UTF-8", { cause });
  }
}

/**
 * Applies the rule for growing: `v`, where the format has one, and every name in `must`.
 * @param known The members that this reader knows.
 * @throws {OpenRedError} `unsupported`, or `bad_request` for a `must` that is no list of texts.
 */
export function checkGrowth(
  input: unknown,
  options: { readonly versioned: boolean; readonly known: readonly string[] },
): void {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new OpenRedError("bad_request", "Expected a JSON object");
  }
  const { v: version, must } = input as { v?: unknown; must?: unknown };
  if (options.versioned && version !== PROTOCOL_VERSION) {
    if (typeof version !== "number") {
      throw new OpenRedError("bad_request", "Member v is not valid: expected a number");
    }
    throw new OpenRedError("unsupported", "This version of the format is not supported");
  }
  if (must === undefined) return;
  const names = parseInput(namesSchema, must);
  if (names.some((name) => !options.known.includes(name))) {
    throw new OpenRedError("unsupported", "A member that must be understood is not");
  }
}

/** The entries of a list that this reader understands: without those whose `must` names what it does not know. */
export function understoodEntries<
  const T extends { readonly must?: readonly string[] | undefined },
>(
  schema: { readonly entries: Readonly<Record<string, unknown>> },
  entries: readonly T[],
): T[] {
  const known = Object.keys(schema.entries);
  return entries.filter(({ must = [] }) => must.every((name) => known.includes(name)));
}

/**
 * Reads an object that may have grown: JSON, `v`, `must`, then the schema.
 * @throws {OpenRedError} `bad_request` or `unsupported`.
 */
export function parseGrowing<
  const S extends v.GenericSchema & { entries: Record<string, unknown> },
>(
  schema: S,
  input: unknown,
): v.InferOutput<S> {
  const known = Object.keys(schema.entries);
  checkGrowth(input, { versioned: known.includes("v"), known });
  return parseInput(schema, input);
}
