/**
 * How messages of a conversation of two are named: by whose they are, their run and their number there.
 *
 * @module
 */
import * as v from "valibot";
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";

export const RUN_BYTES = 8;

export const runSchema = v.pipe(
  v.string(),
  v.check((text) => decodeBase64Url(text)?.length === RUN_BYTES, "8 bytes in base64url"),
);

export const numberSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** A message of the writer's own, as a header names it. */
export const ownNameSchema = v.looseObject({ run: runSchema, n: numberSchema });

/** Any message of the conversation: the reader's, or with `mine` the writer's own. */
export const nameSchema = v.looseObject({
  ...ownNameSchema.entries,
  mine: v.optional(v.boolean(), false),
});

export interface RunNumber {
  readonly run: string;
  readonly n: number;
}

/** A message as this node names it in its tables. */
export interface Name extends RunNumber {
  /** Whether this node wrote it. */
  readonly own: boolean;
}

/** The text under which a message stands in the tables: `o` or `p`, its run, its number. */
export function nameText({ own, run, n }: Name): string {
  return `${own ? "o" : "p"}.${run}.${n}`;
}

/** Reads what {@linkcode nameText} has written. */
export function readName(text: string): Name {
  const [side, run = "", n] = text.split(".");
  return { own: side === "o", run, n: Number(n) };
}

/** The numbered messages of one sender: a run of this node's, or of the peer's. */
export function chainOf({ own, run }: Pick<Name, "own" | "run">): string {
  return `${own ? "o" : "p"}.${run}`;
}

export function newRun(random: { bytes(length: number): Uint8Array }): string {
  return encodeBase64Url(random.bytes(RUN_BYTES));
}

/** A chain of a group's messages, as it stands where a conversation of two has a run: no run begins so. */
export function groupChain(chain: number): string {
  return `#${chain}`;
}

/** What {@linkcode groupChain} was made of. */
export function chainNumber(run: string): number {
  return Number(run.slice(1));
}

export function isGroupChain(run: string): boolean {
  return run.startsWith("#");
}
