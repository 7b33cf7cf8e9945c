/**
 * What two members tell each other when they meet: where their chains stand and which memberships they have, then which
 * messages, so that each can give what the other lacks.
 *
 * @module
 * @see docs/PROTOCOL.md, "Groups"
 */
import * as v from "valibot";
import { encodeUtf8, type NodeId } from "../../../../crypto/encoding.ts";
import { OpenRedError } from "../../../../protocol/errors.ts";
import {
  namesSchema,
  nodeIdSchema,
  parseGrowing,
  parseJson,
} from "../../../../protocol/schemas.ts";
import { runSchema } from "../../names.ts";
import type { Head } from "./chain.ts";
import { areDifferent, entryMust, hashSchema, messageNumberSchema } from "./fields.ts";
import {
  MAX_ADDITIONS,
  MAX_DISPLACED,
  MAX_HEADS,
  MAX_MEMBERS,
  MAX_RANGES,
  MAX_RUNS,
  MAX_STATEMENTS,
  MAX_SUMMARY_BYTES,
  MAX_TWICE,
  MAX_VECTOR_BYTES,
} from "./limits.ts";
import {
  contains,
  difference,
  highest,
  type Ranges,
  rangesOf,
  rangesSchema,
  union,
} from "./ranges.ts";

const headSchema = v.looseObject({
  n: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(MAX_STATEMENTS - 1)),
  hash: hashSchema,
  must: entryMust,
});

const summarySchema = v.looseObject({
  heads: v.pipe(v.array(headSchema), v.minLength(1), v.maxLength(MAX_HEADS)),
  displaced: v.optional(v.pipe(v.array(hashSchema), v.maxLength(MAX_DISPLACED)), []),
  members: v.optional(v.pipe(v.array(hashSchema), v.maxLength(MAX_ADDITIONS)), []),
  must: v.optional(namesSchema),
});

/** Where somebody stands with statements and memberships. */
export interface Summary {
  readonly heads: readonly Head[];
  /** Hashes of displaced statements. */
  readonly displaced: readonly string[];
  /** Hashes of the memberships that count there. */
  readonly members: readonly string[];
}

const runEntrySchema = v.looseObject({
  id: nodeIdSchema,
  run: runSchema,
  held: v.optional(rangesSchema, []),
  never: v.optional(rangesSchema, []),
  top: v.optional(hashSchema),
  twice: v.optional(v.pipe(v.array(messageNumberSchema), v.maxLength(MAX_TWICE)), []),
  must: entryMust,
});

const MAX_VECTOR_RUNS = MAX_MEMBERS * MAX_RUNS;

const vectorSchema = v.looseObject({
  runs: v.pipe(
    v.array(runEntrySchema),
    v.maxLength(MAX_VECTOR_RUNS),
    v.check((runs) => areDifferent(runs.map(keyOf)), "Each run once"),
  ),
  must: v.optional(namesSchema),
});

/** What somebody has of one run, and what does not come to them any more, or from them. */
export interface RunEntry {
  readonly id: NodeId;
  readonly run: string;
  readonly held: Ranges;
  readonly never: Ranges;
  /** The hash of the message under the highest number that is held, one of them. */
  readonly top?: string | undefined;
  /** Numbers under which two messages are held, which proves that their author told two stories. */
  readonly twice?: readonly number[] | undefined;
}

function keyOf({ id, run }: Pick<RunEntry, "id" | "run">): string {
  return `${id}.${run}`;
}

/** @throws {OpenRedError} `too_large`, `bad_request`, `unsupported`. */
export function readSummary(body: Uint8Array): Summary {
  const { heads, displaced, members } = parseGrowing(
    summarySchema,
    bounded(body, MAX_SUMMARY_BYTES),
  );
  return { heads: heads.map(({ n, hash }) => ({ n, hash })), displaced, members };
}

export function writeSummary({ heads, displaced, members }: Summary): Uint8Array<ArrayBuffer> {
  return encodeUtf8(JSON.stringify({
    heads,
    ...(displaced.length === 0 ? {} : { displaced }),
    ...(members.length === 0 ? {} : { members }),
  }));
}

/** @throws {OpenRedError} `too_large`, `bad_request`, `unsupported`. */
export function readVector(body: Uint8Array): RunEntry[] {
  const { runs } = parseGrowing(vectorSchema, bounded(body, MAX_VECTOR_BYTES));
  return runs.map(({ id, run, held, never, top, twice }) => ({ id, run, held, never, top, twice }));
}

/**
 * Writes a vector. Where there are too many runs for it the first are left out, and of too many ranges the highest: they
 * are given once more then.
 */
export function writeVector(all: readonly RunEntry[]): Uint8Array<ArrayBuffer> {
  const runs = all.slice(-MAX_VECTOR_RUNS);
  for (let most = MAX_RANGES;; most = most >> 1) {
    const body = encodeUtf8(JSON.stringify({ runs: runs.map((entry) => wireOf(entry, most)) }));
    if (body.length <= MAX_VECTOR_BYTES) return body;
    if (most === 0) throw new OpenRedError("too_large", "The group has too many runs");
  }
}

function wireOf({ id, run, held, never, top, twice = [] }: RunEntry, most: number) {
  const isCut = most < MAX_RANGES;
  return {
    id,
    run,
    ...(held.length === 0 ? {} : { held: held.slice(0, most) }),
    ...(never.length === 0 ? {} : { never: never.slice(0, most) }),
    ...(top === undefined || isCut || held.length > most ? {} : { top }),
    ...(twice.length === 0 || isCut ? {} : { twice: twice.slice(0, MAX_TWICE) }),
  };
}

/**
 * What one has that another lacks and still takes, of each run; whether it may have it is to be asked besides. Of an author
 * of whom it has as many runs as there may be it takes no more of them.
 * @param hashesUnder The messages that are held under a number of a run: where the other one has another of them, both
 *   are to have both.
 */
export function lacking(
  own: readonly RunEntry[],
  theirs: readonly RunEntry[],
  hashesUnder: (of: Pick<RunEntry, "id" | "run">, n: number) => readonly string[] = () => [],
): { readonly id: NodeId; readonly run: string; readonly numbers: Ranges }[] {
  const known = new Map(theirs.map((entry) => [keyOf(entry), entry]));
  const runs = Map.groupBy(theirs, ({ id }) => id);
  return own.map((entry) => {
    const { id, run, held, twice = [] } = entry;
    const other = known.get(keyOf(entry));
    if (other === undefined) {
      const isFull = (runs.get(id)?.length ?? 0) >= MAX_RUNS;
      return { id, run, numbers: isFull ? [] : held };
    }
    const numbers = difference(held, union(other.held, other.never));
    const single = twice.filter((n) => !other.twice?.includes(n) && !contains(other.never, n));
    const { top } = other;
    const n = highest(other.held);
    const isOther = top !== undefined && hashesUnder({ id, run }, n).some((hash) => hash !== top) &&
      !other.twice?.includes(n);
    return { id, run, numbers: union(numbers, rangesOf(isOther ? [...single, n] : single)) };
  }).filter(({ numbers }) => numbers.length > 0);
}

function bounded(body: Uint8Array, most: number): unknown {
  if (body.length > most) throw new OpenRedError("too_large", "The body is too long");
  return parseJson(body);
}
