/**
 * The calls of a sandboxed module into its context, each with what it takes.
 *
 * @module
 */
import * as v from "valibot";
import type { ModuleContext, Sending, StoredRow } from "../../../modules/api.ts";
import { MAX_MODULE_MESSAGE_BYTES } from "../../../ports/module_workers.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { factorLevelSchema, purposeSchema } from "../../../protocol/factor_level.ts";
import { integerSchema, nodeIdSchema, parseInput } from "../../../protocol/schemas.ts";

export interface CallAnswer {
  readonly value?: unknown;
  readonly parts?: readonly Uint8Array[];
}

/** What a call works with. */
export interface CallScene {
  readonly context: ModuleContext;
  /** Fires when the module takes the call back. */
  readonly signal: AbortSignal;
}

type Run = (
  scene: CallScene,
  value: unknown,
  parts: readonly Uint8Array[],
) => Promise<CallAnswer>;

const MAX_RANDOM_BYTES = 8_192;
/** The rest of a message is for what stands around the rows. */
const MAX_RANGE_BYTES = MAX_MODULE_MESSAGE_BYTES - 1_024;
/** What one unit of UTF-16 takes at most. */
const MAX_UTF8_BYTES = 3;
/** What a message says of the length of each row, and between two of them. */
const ROW_LENGTH_BYTES = 9;
const text = (length: number) => v.pipe(v.string(), v.maxLength(length));
const word = text(1_024);
const key = text(1_024);
const path = text(4_096);
const headerSchema = v.record(text(64), v.unknown());

/** A call that takes a value of a schema. */
function call<const S extends v.GenericSchema>(
  schema: S,
  run: (
    scene: CallScene,
    value: v.InferOutput<S>,
    parts: readonly Uint8Array[],
  ) => Promise<CallAnswer>,
): Run {
  return (scene, value, parts) => run(scene, parseInput(schema, value), parts);
}

function value(promise: Promise<unknown>): Promise<CallAnswer> {
  return promise.then((found) => ({ value: found }));
}

async function bytes(promise: Promise<Uint8Array | null>): Promise<CallAnswer> {
  const found = await promise;
  return { parts: found === null ? [] : [found] };
}

async function nothing(promise: Promise<void>): Promise<CallAnswer> {
  await promise;
  return {};
}

/** The one part of a call, or `undefined`; copied, since it shares the memory of the message. */
function bodyOf(parts: readonly Uint8Array[]): { body?: Uint8Array } {
  return parts[0] === undefined ? {} : { body: parts[0].slice() };
}

function pairs(parts: readonly Uint8Array[]): [Uint8Array, Uint8Array][] {
  if (parts.length % 2 !== 0) throw new OpenRedError("bad_request", "Expected pairs of bytes");
  return Array.from({ length: parts.length / 2 }, (_, at) => [
    parts[2 * at]!.slice(),
    parts[2 * at + 1]!.slice(),
  ]);
}

/** What of a range one message holds; a row that is too long alone is refused as such. */
function fittingRows(rows: readonly StoredRow[]): readonly StoredRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ key, value }, index) => {
    bytes += JSON.stringify(key).length * MAX_UTF8_BYTES + value.length + ROW_LENGTH_BYTES;
    return index > 0 && bytes > MAX_RANGE_BYTES;
  });
  return end < 0 ? rows : rows.slice(0, end);
}

const PEER_CALLS: Readonly<Record<string, Run>> = {
  "peers.list": call(v.null(), ({ context }) => value(context.peers.list())),
  "peers.get": call(nodeIdSchema, ({ context }, peer) => value(context.peers.get(peer))),
  "peers.find": call(word, ({ context }, given) => value(context.peers.find(given))),
  "peers.meet": call(word, ({ context }, given) => value(context.peers.meet(given))),
  "peers.standing": call(
    v.strictObject({ peer: nodeIdSchema, permission: text(32) }),
    ({ context }, { peer, permission }) => value(context.peers.standing(peer, permission)),
  ),
  "peers.lastId": call(nodeIdSchema, ({ context }, peer) => value(context.peers.lastId(peer))),
  binding: call(nodeIdSchema, ({ context }, peer) => bytes(context.binding(peer))),
};

const STORAGE_CALLS: Readonly<Record<string, Run>> = {
  "storage.get": call(key, ({ context }, given) => bytes(context.storage.get(given))),
  "storage.range": call(
    v.strictObject({
      prefix: v.optional(key),
      after: v.optional(key),
      limit: v.pipe(v.number(), v.safeInteger()),
    }),
    async ({ context }, { limit, prefix, after }) => {
      const found = await context.storage.range({
        limit,
        ...(prefix === undefined ? {} : { prefix }),
        ...(after === undefined ? {} : { after }),
      });
      const rows = fittingRows(found);
      return { value: rows.map((row) => row.key), parts: rows.map((row) => row.value) };
    },
  ),
  "storage.batch": call(
    v.pipe(v.array(v.strictObject({ key, keep: v.boolean() })), v.maxLength(1_000)),
    ({ context }, named, parts) => {
      const values = parts.values();
      const changes = named.map((change) => {
        const kept = change.keep ? values.next().value : null;
        if (kept === undefined) throw new OpenRedError("bad_request", "A value is missing");
        return { key: change.key, value: kept };
      });
      return nothing(context.storage.batch(changes));
    },
  ),
  "storage.seal": call(v.null(), async ({ context }, _, parts) => ({
    parts: await context.storage.seal(pairs(parts).map(([aad, content]) => ({ aad, content }))),
  })),
  "storage.open": call(v.null(), async ({ context }, _, parts) => {
    const opened = await context.storage.open(
      pairs(parts).map(([aad, sealed]) => ({ aad, sealed })),
    );
    return {
      value: opened.map((row) => row !== null),
      parts: opened.filter((row) => row !== null),
    };
  }),
  "files.read": call(word, ({ context }, name) => bytes(context.files.read(name))),
  "files.write": call(
    word,
    ({ context }, name, parts) => nothing(context.files.write(name, parts[0] ?? new Uint8Array())),
  ),
  "files.remove": call(word, ({ context }, name) => nothing(context.files.remove(name))),
  "files.list": call(v.null(), ({ context }) => value(context.files.list())),
  random: call(
    v.pipe(integerSchema, v.maxValue(MAX_RANDOM_BYTES)),
    ({ context }, length) => Promise.resolve({ parts: [context.random.bytes(length)] }),
  ),
};

const SEND_CALLS: Readonly<Record<string, Run>> = {
  send: call(
    v.strictObject({
      peer: nodeIdSchema,
      type: text(32),
      id: v.optional(text(64)),
      header: v.optional(headerSchema),
    }),
    async ({ context, signal }, { peer, type, id, header }, parts) => {
      const sending: Sending = context.send({
        peer,
        type,
        ...(id === undefined ? {} : { id }),
        ...(header === undefined ? {} : { header }),
        ...bodyOf(parts),
      });
      signal.addEventListener("abort", () => sending.cancel(), { once: true });
      const rttMs = await sending.acknowledged;
      return { value: { rttMs, refused: sending.refused } };
    },
  ),
  ask: call(
    v.strictObject({
      peer: nodeIdSchema,
      type: text(32),
      header: v.optional(headerSchema),
      waitMs: v.optional(v.pipe(v.number(), v.finite())),
    }),
    async ({ context, signal }, { peer, type, header, waitMs }, parts) => {
      const answered = await context.ask({
        peer,
        type,
        signal,
        ...(header === undefined ? {} : { header }),
        ...(waitMs === undefined ? {} : { waitMs }),
        ...bodyOf(parts),
      });
      return { value: answered.header, parts: [answered.body] };
    },
  ),
  "auth.require": call(
    v.strictObject({ peer: nodeIdSchema, level: factorLevelSchema, purpose: purposeSchema }),
    ({ context }, { peer, level, purpose }) => value(context.auth.require(peer, level, purpose)),
  ),
};

const OUTSIDE_CALLS: Readonly<Record<string, Run>> = {
  fetch: call(
    v.strictObject({
      url: text(4_096),
      method: v.optional(v.picklist(["GET", "POST"])),
      headers: v.optional(v.record(text(64), text(4_096))),
    }),
    async ({ context }, { url, method, headers }, parts) => {
      const { body, ...answer } = await context.fetch({
        url,
        ...(method === undefined ? {} : { method }),
        ...(headers === undefined ? {} : { headers }),
        ...bodyOf(parts),
      });
      return { value: answer, parts: [body] };
    },
  ),
  "folder.open": call(word, async ({ context }, name) => {
    await context.folder(name);
    return {};
  }),
  "folder.list": call(
    v.strictObject({ name: word, path }),
    async ({ context }, given) => value((await context.folder(given.name)).list(given.path)),
  ),
  "folder.read": call(
    v.strictObject({ name: word, path }),
    async ({ context }, given) => bytes((await context.folder(given.name)).read(given.path)),
  ),
  "folder.write": call(
    v.strictObject({ name: word, path }),
    async ({ context }, given, parts) => {
      const folder = await context.folder(given.name);
      return nothing(folder.write(given.path, parts[0] ?? new Uint8Array()));
    },
  ),
};

/** By name. */
export const CONTEXT_CALLS: ReadonlyMap<string, Run> = new Map(
  Object.entries({ ...PEER_CALLS, ...STORAGE_CALLS, ...SEND_CALLS, ...OUTSIDE_CALLS }),
);

/** What is read from memory, or waits for others, is not. */
const PACED: ReadonlySet<string> = new Set([
  "storage.batch",
  "storage.seal",
  "storage.open",
  "files.read",
  "files.write",
  "files.remove",
  "files.list",
  "folder.list",
  "folder.read",
  "folder.write",
]);

/** Whether the node's disk, or its core, has to work for a call. */
export function isPaced(op: string): boolean {
  return PACED.has(op);
}

const logLevel = v.picklist(["debug", "info", "warn", "error"]);
const fields = v.record(
  text(64),
  v.nullable(v.union([text(1_024), v.pipe(v.number(), v.finite()), v.boolean()])),
);
const eventName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_]{0,31}$/));
const line = text(500);

type Tell = (context: ModuleContext, value: unknown) => void;

function tellOf<const S extends v.GenericSchema>(
  schema: S,
  run: (context: ModuleContext, value: v.InferOutput<S>) => void,
): Tell {
  return (context, given) => run(context, parseInput(schema, given));
}

/** What a module says without waiting for an answer. */
export const CONTEXT_TELLS: ReadonlyMap<string, Tell> = new Map(Object.entries({
  log: tellOf(
    v.strictObject({ level: logLevel, event: eventName, fields }),
    ({ log }, entry) => log.log(entry.level, entry.event, entry.fields),
  ),
  count: tellOf(
    v.strictObject({ name: eventName, by: v.pipe(v.number(), v.finite(), v.minValue(0)) }),
    ({ metrics }, { name, by }) => metrics.count(name, by),
  ),
  emit: tellOf(
    v.strictObject({ type: eventName, data: v.record(text(64), v.unknown()) }),
    ({ events }, { type, data }) => events.emit(type, data),
  ),
  warn: tellOf(
    v.strictObject({ topic: line, text: line }),
    ({ events }, given) => events.warn(given.topic, given.text),
  ),
  settle: tellOf(line, ({ events }, topic) => events.settle(topic)),
}));
