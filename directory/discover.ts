/**
 * Lists of nodes, page by page in the order of their ids.
 *
 * @module
 */
import * as v from "valibot";
import { decodeBase64Url, encodeBase64Url, encodeUtf8, isNodeId } from "../crypto/encoding.ts";
import { type DiscoverAnswer, leaseStatusSchema } from "../protocol/directory_api.ts";
import { OpenRedError } from "../protocol/errors.ts";
import { MAX_ALIAS_LENGTH } from "../protocol/limits.ts";
import { nameSchema, parseInput } from "../protocol/schemas.ts";
import { nodeAnswer } from "./entries.ts";
import { leaseRange } from "./leases.ts";
import type { DirectoryParts } from "./parts.ts";

const DEFAULT_LIMIT = 20;

/** The parameters of a list. Each may stand once; others are ignored. */
export const discoverQuerySchema = v.looseObject({
  service: v.optional(nameSchema),
  alias: v.optional(v.pipe(v.string(), v.maxLength(MAX_ALIAS_LENGTH))),
  status: v.optional(leaseStatusSchema),
  limit: v.optional(v.pipe(v.string(), v.regex(/^([1-9][0-9]?|100)$/))),
  cursor: v.optional(v.pipe(v.string(), v.maxLength(512), v.regex(/^[A-Za-z0-9_-]+$/))),
});

type DiscoverQuery = v.InferOutput<typeof discoverQuerySchema>;

function readQuery(search: URLSearchParams): DiscoverQuery {
  const known = Object.keys(discoverQuerySchema.entries);
  const repeated = known.find((name) => search.getAll(name).length > 1);
  if (repeated !== undefined) {
    throw new OpenRedError("bad_request", `The parameter ${repeated} stands more than once`);
  }
  return parseInput(discoverQuerySchema, Object.fromEntries(search));
}

/** The id after which a page begins. */
function readCursor(cursor: string | undefined): string {
  if (cursor === undefined) return "";
  const bytes = decodeBase64Url(cursor);
  const id = bytes === null ? "" : new TextDecoder().decode(bytes);
  if (!isNodeId(id)) {
    throw new OpenRedError("bad_request", "The cursor is not one of this directory");
  }
  return id;
}

/**
 * Lists nodes that are neither gone nor unlisted.
 * @throws {OpenRedError} `bad_request`.
 */
export async function discover(
  parts: Pick<DirectoryParts, "clock" | "store">,
  search: URLSearchParams,
): Promise<DiscoverAnswer> {
  const query = readQuery(search);
  const after = readCursor(query.cursor);
  const nowMs = parts.clock.nowMs();
  const range = leaseRange(query.status ?? "active", nowMs);
  if (range === null) return { nodes: [], next_cursor: null };
  const page = await parts.store.list({
    after,
    limit: Number(query.limit ?? DEFAULT_LIMIT),
    ...range,
    service: query.service ?? null,
    alias: query.alias ?? null,
  });
  const nodes = page.entries.map((entry) => nodeAnswer(entry, nowMs));
  const next = page.nextAfter === null ? null : encodeBase64Url(encodeUtf8(page.nextAfter));
  return { nodes, next_cursor: next };
}
