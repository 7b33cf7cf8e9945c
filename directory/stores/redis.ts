/**
 * The shared store: a Redis server that several processes of one directory use. Each check with what is stored after it
 * is one function that runs there.
 *
 * @module
 */
import { decodeBase64Url, type NodeId } from "../../crypto/encoding.ts";
import type { Clock, Log } from "../../ports/ports.ts";
import type { RedisLink, RedisReply, SendRedis } from "../../ports/redis.ts";
import type { KeyRefusal } from "../../protocol/directory_key.ts";
import { OpenRedError } from "../../protocol/errors.ts";
import { PROOF_MEMORY_MS } from "../../protocol/limits.ts";
import type { SharedCounters } from "../shared_limits.ts";
import { redisCounters } from "./redis_counters.ts";
import {
  banOfValue,
  entryArgs,
  entryOfValue,
  keyArgs,
  keyOfValue,
  nameText,
  successionArgs,
  successionOfValue,
} from "./redis_entries.ts";
import { callOf, prepareServer, type RedisTime } from "./redis_server.ts";
import type {
  AllNodesQuery,
  DirectoryEntry,
  DirectoryStore,
  FoundKey,
  FoundNode,
  KeyUse,
  ListPage,
  ListQuery,
  NewEntry,
  NodeCounts,
  ProofUse,
  StoredBan,
  StoredKey,
  StoredSuccession,
  StoreOutcome,
  SweepOptions,
  SweepResult,
} from "./store.ts";

/** By how much this machine's clock may differ from the server's before somebody is told. */
const CLOCK_DIFFERENCE_MS = 10_000;

interface RedisStoreParts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: Log;
  /** Connects; `prepare` has to have run on a connection before anything else is sent. */
  readonly connect: (prepare: (send: SendRedis) => Promise<void>) => Promise<RedisLink>;
}

/** Reads what functions give as id and value in turn. */
function pairsOf<T>(
  found: readonly string[],
  read: (id: NodeId, value: string) => T | null,
): readonly T[] {
  const all = [];
  for (let at = 0; at < found.length; at += 2) {
    const one = read(found[at] as NodeId, found[at + 1]!);
    if (one !== null) all.push(one);
  }
  return all;
}

/** {@linkcode DirectoryStore} on a Redis server. */
export class RedisStore implements DirectoryStore {
  readonly #parts: RedisStoreParts;
  readonly #time: RedisTime;
  /** Own values that have to be there, whatever the server has lost. */
  readonly #kept = new Map<string, string>();
  #link: RedisLink | null = null;
  #revision = 0;

  private constructor(parts: RedisStoreParts, time: RedisTime) {
    this.#parts = parts;
    this.#time = time;
  }

  /**
   * Connects to the server for the first time.
   * @throws {OpenRedError} `unsupported` for a server that a directory must not use.
   */
  static async open(parts: RedisStoreParts, time: RedisTime = "server"): Promise<RedisStore> {
    const store = new RedisStore(parts, time);
    store.#link = await parts.connect((send) => store.#prepare(send));
    return store;
  }

  /** What the processes that use this server count together. */
  get counters(): SharedCounters {
    return redisCounters(this.#call);
  }

  get revision(): number {
    return this.#revision;
  }

  /** Other processes change what is stored, so nothing is at hand. */
  atHand(): null {
    return null;
  }

  async find(id: NodeId): Promise<FoundNode> {
    const keys = ["node", "followed", "ban"].map((name) => `openred:${name}:${id}`);
    const values = await this.#send(["MGET", ...keys]);
    const [node = null, followed = null, banned = null] = values as readonly RedisReply[];
    const ban = banOfValue(id, banned);
    return {
      entry: entryOfValue(id, node),
      succession: successionOfValue(id, followed),
      ...(ban === null ? {} : { ban }),
    };
  }

  async put(
    input: NewEntry,
    { latestSeq } = { latestSeq: Number.MAX_SAFE_INTEGER },
  ): Promise<StoreOutcome> {
    const { id } = input.entry;
    const args = [this.#time, id, `${latestSeq}`, ...entryArgs(input)];
    const [outcome, value] = await this.#call("put", args) as readonly string[];
    if (outcome === "behind") return { outcome, entry: entryOfValue(id, value!)! };
    if (outcome === "succeeded") {
      return { outcome, succession: successionOfValue(id, value!)! };
    }
    if (outcome === "banned") return { outcome };
    this.#revision += 1;
    return { outcome: "stored" };
  }

  async putSuccession(succession: StoredSuccession): Promise<void> {
    await this.#call("put_succession", [
      this.#time,
      `${succession.storedAt}`,
      ...successionArgs(succession),
    ]);
    this.#revision += 1;
  }

  async merge(input: NewEntry): Promise<void> {
    await this.#call("merge", [input.entry.id, ...entryArgs(input)]);
    this.#revision += 1;
  }

  async pinnedNext(id: NodeId): Promise<Uint8Array | null> {
    const text = await this.#send(["GET", `openred:next:${id}`]);
    return typeof text === "string" ? decodeBase64Url(text) : null;
  }

  async list(query: ListQuery): Promise<ListPage> {
    const { after, limit, leaseEndsAfter, leaseEndsBy, service, alias } = query;
    const [nextAfter, ...found] = await this.#call("list", [
      after,
      `${limit}`,
      `${leaseEndsAfter}`,
      `${leaseEndsBy}`,
      service === null ? "" : nameText(service),
      alias === null ? "" : nameText(alias),
    ]) as readonly string[];
    const entries = pairsOf(found, entryOfValue);
    return { entries, nextAfter: nextAfter === "" ? null : nextAfter! };
  }

  async listAll({ after, limit, gone }: AllNodesQuery): Promise<readonly DirectoryEntry[]> {
    const place = after === null ? ["0", ""] : [`${after.leaseEndAt}`, after.id];
    const found = await this.#call("list_all", [...place, `${limit}`, gone ? "1" : "0"]);
    return pairsOf(found as readonly string[], entryOfValue);
  }

  async remove(id: NodeId): Promise<boolean> {
    const wasThere = await this.#call("remove", [id]) === 1;
    this.#revision += 1;
    return wasThere;
  }

  async ban({ id, bannedAt, note }: StoredBan): Promise<void> {
    await this.#call("ban", [this.#time, `${bannedAt}`, id, note]);
    this.#revision += 1;
  }

  async unban(id: NodeId): Promise<boolean> {
    return await this.#call("unban", [id]) === 1;
  }

  async listBans(
    { after, limit }: { readonly after: string; readonly limit: number },
  ): Promise<readonly StoredBan[]> {
    const found = await this.#call("list_bans", [after, `${limit}`]);
    return pairsOf(found as readonly string[], banOfValue);
  }

  async addKey(key: Omit<StoredKey, "revokedAt" | "used">): Promise<void> {
    await this.#call("add_key", [this.#time, `${key.madeAt}`, ...keyArgs(key)]);
  }

  async findKey(keyId: string, user: string): Promise<FoundKey | null> {
    const found = await this.#call("find_key", [keyId, user]) as readonly RedisReply[];
    const [value, used, isUser] = found;
    if (typeof value !== "string") return null;
    return { ...keyOfValue(keyId, value, Number(used)), isUser: isUser === 1 };
  }

  async useKey({ keyId, id, nowMs }: KeyUse): Promise<KeyRefusal | null> {
    const refusal = await this.#call("use_key", [this.#time, `${nowMs}`, keyId, id]) as string;
    return refusal === "" ? null : refusal as KeyRefusal;
  }

  async revokeKey(keyId: string, nowMs: number): Promise<boolean> {
    return await this.#call("revoke_key", [this.#time, `${nowMs}`, keyId]) === 1;
  }

  async listKeys(
    { after, limit }: { readonly after: string; readonly limit: number },
  ): Promise<readonly StoredKey[]> {
    const found = await this.#call("list_keys", [after, `${limit}`]) as readonly string[];
    const keys = [];
    for (let at = 0; at < found.length; at += 3) {
      keys.push(keyOfValue(found[at]!, found[at + 1]!, Number(found[at + 2])));
    }
    return keys;
  }

  async countStored(): Promise<number> {
    return Number(await this.#call("count_stored", []));
  }

  async countOnHost(host: string): Promise<number> {
    return Number(await this.#send(["HGET", "openred:hosts", host]) ?? 0);
  }

  async countNodes(): Promise<NodeCounts> {
    const counts = await this.#call("count", []) as readonly number[];
    const [active = 0, stale = 0, dormant = 0] = counts;
    return { active, stale, dormant };
  }

  async claimProof({ jti, iatSec, nowMs }: ProofUse): Promise<boolean> {
    const args = [this.#time, `${nowMs}`, jti, `${iatSec}`, `${PROOF_MEMORY_MS}`];
    return await this.#call("claim_proof", args) === 1;
  }

  async getOwn(name: string): Promise<string | null> {
    return await this.#send(["HGET", "openred:own", name]) as string | null;
  }

  async swapOwn(name: string, expected: string | null, value: string): Promise<boolean> {
    return await this.#call("swap_own", [name, expected ?? "", value]) === 1;
  }

  /**
   * Says that an own value never changes: a server that was emptied gets it back, and one that holds another value is
   * another directory's.
   */
  keepOwn(name: string, value: string): void {
    this.#kept.set(name, value);
  }

  async sweep(options: SweepOptions): Promise<SweepResult> {
    const { nowMs, leasesBefore, latestLeaseEnd, countsAt } = options;
    const [forgotten, isDone] = await this.#call("sweep", [
      this.#time,
      `${nowMs}`,
      `${leasesBefore ?? ""}`,
      `${latestLeaseEnd ?? ""}`,
      `${countsAt.activeAfter}`,
      `${countsAt.recentAfter}`,
    ]) as readonly number[];
    if (forgotten! > 0) this.#revision += 1;
    return { forgotten: forgotten!, proofs: 0, isDone: isDone === 1 };
  }

  async close(): Promise<void> {
    await this.#link?.close();
  }

  /** Calls a function of the server. */
  readonly #call = (name: string, args: readonly string[]): Promise<RedisReply> =>
    this.#send(callOf(name, args));

  #send(command: readonly string[]): Promise<RedisReply> {
    return this.#link!.send(command);
  }

  async #prepare(send: SendRedis): Promise<void> {
    const { clock, log } = this.#parts;
    const nowMs = clock.nowMs();
    const serverMs = await prepareServer(send, { time: this.#time, nowMs });
    if (Math.abs(serverMs - nowMs) > CLOCK_DIFFERENCE_MS) {
      log.log("warn", "store_clock_differs", { store_ahead_ms: serverMs - nowMs });
    }
    for (const [name, value] of this.#kept) {
      await send(callOf("swap_own", [name, "", value]));
      if (await send(["HGET", "openred:own", name]) === value) continue;
      throw new OpenRedError(
        "bad_request",
        `The store is another directory's: its ${name} differs`,
      );
    }
  }
}
