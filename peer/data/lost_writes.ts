/**
 * What a start does about a database that holds less than it was asked to keep: it says so, for a month, and goes on
 * without giving any number a second time.
 *
 * @module
 */
import * as v from "valibot";
import type { Clock, Files, Random } from "../../ports/ports.ts";
import { markRestored } from "../own/restored_mark.ts";
import { type NodeStore, storageFailed } from "../store/store.ts";
import { COUNT_FILE, type Shortfall, WriteCount } from "../store/write_count.ts";
import type { NodeEvents } from "../events/events.ts";
import { DATABASE_FILE } from "./owned_files.ts";

const LOST = "lost_writes";
const TOLD_MS = 30 * 24 * 3_600_000;

const lostSchema = v.looseObject({
  writes: v.number(),
  rows: v.record(v.string(), v.number()),
  since: v.nullable(v.string()),
  until: v.string(),
  foundMs: v.number(),
  /** Whether the audit log has it. */
  isAudited: v.boolean(),
});
type Lost = v.InferOutput<typeof lostSchema>;

interface CountPorts {
  readonly files: Files;
  readonly clock: Pick<Clock, "nowMs">;
  readonly random: Random;
}

/**
 * Has a store count its writes from now on, and notes in it what it lost. To be called before anything is written to it.
 * @throws {OpenRedError} `overloaded` where the disk takes nothing.
 */
export async function countWrites(ports: CountPorts, store: NodeStore): Promise<WriteCount> {
  const count = await WriteCount.open(ports, store.tally());
  if (count.shortfall !== null) await noteLoss(ports, { store, shortfall: count.shortfall });
  await count.begin().catch((cause) => {
    throw storageFailed(cause);
  });
  store.countWith(count);
  return count;
}

/** The node may have signed and numbered more than its database knows, as after a restore. */
async function noteLoss(
  { clock, random }: CountPorts,
  { store, shortfall }: { store: NodeStore; shortfall: Shortfall },
): Promise<void> {
  const { missing, counted, sinceMs, untilMs } = shortfall;
  const nowMs = clock.nowMs();
  const lost: Lost = {
    ...missing,
    since: sinceMs === null ? null : new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
    foundMs: nowMs,
    isAudited: false,
  };
  await markRestored(store, { nowMs, random, isNoted: true });
  // Together, so that what is not noted is found again.
  await store.write(() => {
    store.statement("INSERT OR REPLACE INTO self (name, value) VALUES (?, ?)")
      .run(LOST, JSON.stringify(lost));
    store.writeTally(counted);
  });
}

/** Tells the operator and the audit log what was lost. */
export async function tellLoss(
  parts: { store: NodeStore; events: NodeEvents; clock: Pick<Clock, "nowMs"> },
  count: WriteCount,
): Promise<void> {
  const { store, events, clock } = parts;
  if (count.isMissing) events.warn("write_count_missing", missingText());
  const stored = store.self(LOST);
  if (stored === null) return;
  const lost = v.parse(lostSchema, JSON.parse(stored));
  if (clock.nowMs() - lost.foundMs <= TOLD_MS) events.warn(LOST, lostText(lost));
  if (lost.isAudited) return;
  const { writes, rows, since, until } = lost;
  await events.audit("data_lost", { success: false, writes, ...rows, since, until });
  await store.setSelf(LOST, JSON.stringify({ ...lost, isAudited: true }));
}

function missingText(): string {
  return `${COUNT_FILE} is missing or damaged: whether ${DATABASE_FILE} has lost anything cannot be told`;
}

function lostText({ writes, rows, since, until }: Lost): string {
  const from = since === null ? "" : `after ${since} and `;
  return `${DATABASE_FILE} has lost its last ${writes} write(s), made ${from}until ${until}: ` +
    `${rowsText(rows)}. ` +
    `${DATABASE_FILE}-wal was damaged or removed, or an older ${DATABASE_FILE} put there`;
}

/** Tables say what is in them: `messaging_inbox` has the messages that came. */
function rowsText(rows: Lost["rows"]): string {
  const missing = Object.entries(rows).map(([table, count]) => `${count} row(s) of ${table}`);
  return missing.length === 0
    ? "No numbered row is missing"
    : `${missing.join(" and ")} are missing`;
}
