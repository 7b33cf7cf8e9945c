/**
 * Stores of very many nodes that nobody runs.
 *
 * @module
 */
import { encodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { DirectoryEntry, DirectoryStore } from "../../directory/stores/store.ts";
import { hasCode } from "../../protocol/errors.ts";
import { systemRandom } from "../../ports/system.ts";
import { pause } from "../../scripts/local_network/timeout.ts";

/** As long as those that nodes sign. */
const RECORD_BYTES = 540;
const AT_ONCE = 500;
const AWAY_MS = 1_000;
const LEASE_MS = 3_600_000;
/** One in so many was seen last so long ago that it may be forgotten. */
const OLD_ONE_IN = 50;
export const OLD_MS = 200 * 86_400_000;
/** One in so many has an alias, and they share it by as many. */
const ALIASED_ONE_IN = 10;
const ALIASES = 1_000;

const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** Whatever stands behind it, that is the id of some key. */
const ID_START = "z6Mkn";
const ID_REST = 43;

/** An id that nobody has. Making one of a key would take longer than storing it. */
function randomId(): NodeId {
  let id = ID_START;
  for (const byte of systemRandom.bytes(ID_REST)) id += BASE58[byte % 58];
  return id as NodeId;
}

function entryOf(number: number, nowMs: number): DirectoryEntry {
  const id = randomId();
  const leaseEndAt = nowMs + LEASE_MS - (number % OLD_ONE_IN === 0 ? OLD_MS : 0);
  return {
    id,
    text: encodeBase64Url(systemRandom.bytes(RECORD_BYTES)),
    seq: nowMs,
    expSec: Math.floor(nowMs / 1000) + 86_400,
    apiUrl: `https://node-${number}.example/openred`,
    noiseKey: encodeBase64Url(systemRandom.bytes(32)),
    host: `node-${number}.example`,
    alias: number % ALIASED_ONE_IN === 1 ? `name ${Math.floor(number / 10) % ALIASES}` : null,
    services: ["messaging"],
    unlisted: false,
    gone: false,
    lastSeenAt: nowMs,
    leaseEndAt,
    calledBackAt: nowMs,
  };
}

/** A server that writes its log anew may be away for a while. What is there already stays as it is. */
async function isStored(
  store: DirectoryStore,
  entries: readonly DirectoryEntry[],
): Promise<boolean> {
  const puts = entries.map((entry) => store.put({ entry, next: null, succession: null }));
  const failed = (await Promise.allSettled(puts)).find(({ status }) => status === "rejected");
  if (failed === undefined) return true;
  const { reason } = failed as PromiseRejectedResult;
  if (hasCode(reason, "overloaded")) return false;
  throw reason;
}

/** How many nodes, when, and of how many the ids are wanted. */
export interface Filling {
  readonly nodes: number;
  readonly nowMs: number;
  readonly kept: number;
}

/**
 * Stores so many nodes.
 * @returns Ids of some of them that are not old, evenly spread.
 */
export async function fill(store: DirectoryStore, options: Filling): Promise<NodeId[]> {
  const { nodes, nowMs, kept } = options;
  const every = Math.ceil(nodes / kept);
  const ids: NodeId[] = [];
  for (let from = 0; from < nodes; from += AT_ONCE) {
    const entries = [];
    for (let at = from; at < Math.min(nodes, from + AT_ONCE); at++) {
      const entry = entryOf(at, nowMs);
      if (at % every === every >> 1 && at % OLD_ONE_IN !== 0) ids.push(entry.id);
      entries.push(entry);
    }
    while (!await isStored(store, entries)) await pause(AWAY_MS);
  }
  return ids;
}
