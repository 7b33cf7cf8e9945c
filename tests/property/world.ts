/**
 * A server in this process that bad requests are thrown at.
 *
 * @module
 */
import { assertNotEquals } from "@std/assert";
import fc from "fast-check";
import type { ErrorCode } from "../../protocol/errors.ts";
import { judgeAnswer, type Outcome } from "./answers.ts";
import { type Body, bodyBytes, hopelessBody } from "./bad_json.ts";
import { anyEdit, type Edit, memberEdit, NO_EDIT } from "./edits.ts";
import { absurdHeaders, absurdQuery, anyMethod, bentPath } from "./targets.ts";

/** Something no valid client sends, as plain data. */
export type BadRequest =
  | {
    readonly kind: "plain";
    readonly method: string;
    readonly path: string;
    readonly query: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Body;
  }
  | {
    /** A valid request of this name, with one thing changed inside what is signed or sealed, or outside. */
    readonly kind: "changed";
    readonly name: string;
    readonly inner: Edit;
    readonly outer: Edit;
  };

export interface ServerWorld {
  readonly origin: string;
  /** Paths of every endpoint. */
  readonly paths: readonly string[];
  /** Paths where a body without members asks for something: every member has a default. */
  readonly wholeWhenEmpty?: readonly string[];
  /** Those that take a body, with their method. */
  readonly bodyPaths: readonly string[];
  /** Names of the valid requests that can be changed. */
  readonly names: readonly string[];
  readonly secrets: readonly string[];
  /** Codes above 499 that a well-formed request can get here. */
  readonly allowed: readonly ErrorCode[];
  /** Headers that a plain request gets beside its own. */
  headersFor(path: string): Readonly<Record<string, string>>;
  /** Makes a valid request and changes it. */
  build(change: { name: string; inner: Edit; outer: Edit }): Promise<Request>;
  handle(request: Request): Promise<Response>;
  /** Fails unless the server still does all that it is there for. */
  assertWorks(): Promise<void>;
}

/** Bad requests for a server. */
export function badRequestFor(world: ServerWorld): fc.Arbitrary<BadRequest> {
  const plain = { kind: fc.constant("plain" as const), query: absurdQuery, headers: absurdHeaders };
  const none = fc.constant("");
  const changed = { kind: fc.constant("changed" as const), name: fc.constantFrom(...world.names) };
  const unchanged = fc.constant(NO_EDIT);
  return fc.oneof(
    fc.record({ ...plain, method: anyMethod, path: bentPath(world.paths), body: none }),
    fc.record({ ...plain, method: anyMethod, path: bentPath(world.paths), body: hopelessBody }),
    fc.record({
      ...plain,
      method: fc.constant("POST"),
      path: fc.constantFrom(...world.bodyPaths),
      headers: fc.constant({}),
      query: fc.constant(""),
      body: hopelessBody,
    }),
    fc.record({
      ...plain,
      method: fc.constant("GET"),
      path: fc.constantFrom(...world.paths),
      body: none,
    }),
    fc.record({ ...changed, inner: unchanged, outer: anyEdit }),
    fc.record({ ...changed, inner: memberEdit, outer: unchanged }),
    fc.record({ ...changed, inner: anyEdit, outer: unchanged }),
  );
}

function plainRequest(world: ServerWorld, bad: BadRequest & { kind: "plain" }): Request {
  const { method, path, query } = bad;
  const body = bodyBytes(bad.body);
  const isBodied = method !== "GET" && method !== "HEAD" && body.length > 0;
  const headers = { ...world.headersFor(path), ...bad.headers };
  const url = world.origin + path + query;
  return new Request(URL.canParse(url) ? url : world.origin + "/", {
    method,
    headers,
    ...(isBodied ? { body } : {}),
  });
}

/** Sends one bad request and judges its answer. */
export async function throwAt(world: ServerWorld, bad: BadRequest): Promise<Outcome> {
  const request = bad.kind === "plain" ? plainRequest(world, bad) : await world.build(bad);
  const { secrets, allowed } = world;
  const outcome = await judgeAnswer({ answer: await world.handle(request), secrets, allowed });
  const isWhole = bad.kind === "plain" && world.wholeWhenEmpty?.includes(bad.path);
  if (bad.kind === "plain" && !isWhole && !["GET", "HEAD", "OPTIONS"].includes(bad.method)) {
    assertNotEquals(outcome, "taken", "A body that says nothing was taken");
  }
  return outcome;
}
