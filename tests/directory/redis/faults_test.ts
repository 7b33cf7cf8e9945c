import { assert, assertEquals, assertRejects } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import type { RedisStore } from "../../../directory/stores/redis.ts";
import { hasCode, OpenRedError } from "../../../protocol/errors.ts";
import { entry } from "../../contract/directory_store.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { RedisServer, redisTest } from "../../world/redis_server.ts";
import { openRedisStore } from "../../world/redis_store.ts";
import { TcpProxy } from "../../world/tcp_proxy.ts";
import { until } from "../../world/until.ts";

const { id } = testIdentity(9);
const bare = { next: null, succession: null };

/** What a store says while its server does not serve. */
async function assertAway(work: Promise<unknown>): Promise<void> {
  const error = await assertRejects(() => work, OpenRedError);
  assertEquals([error.code, error.retryAfterMs], ["overloaded", 5_000]);
}

async function answers(store: RedisStore): Promise<boolean> {
  try {
    await store.find(id);
    return true;
  } catch (error) {
    if (hasCode(error, "overloaded")) return false;
    throw error;
  }
}

const back = (store: RedisStore) => until(() => answers(store), "the store is back");
const away = (store: RedisStore) => until(async () => !await answers(store), "the store is away");

const secondsNow = () => Math.floor(Date.now() / 1000);

/** A use of a proof of this second that has not been tried. */
function freshUse(iatSec = secondsNow()) {
  return { jti: crypto.randomUUID(), iatSec, nowMs: Date.now() };
}

/** A memory of proofs that has begun is one in which proofs of later seconds are taken. */
async function untilTaken(store: RedisStore): Promise<{ jti: string; iatSec: number }> {
  let use = freshUse();
  await until(async () => await store.claimProof(use = freshUse()), "a proof is taken");
  return use;
}

redisTest("A Redis that is killed at any moment loses nothing that was acknowledged", async () => {
  await using server = await RedisServer.start();
  const log = new MemoryLog();
  const store = await openRedisStore(server.port, { log });
  const acknowledged: NodeId[] = [];
  for (let round = 0; round < 3; round++) {
    let isKilled = false;
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let at = 0; !isKilled; at++) {
        const other = `z${round}-${writer}-${at}` as NodeId;
        try {
          await store.put({ entry: entry(other), ...bare });
          acknowledged.push(other);
        } catch (error) {
          assert(hasCode(error, "overloaded"), `${error}`);
          return;
        }
      }
    });
    const before = acknowledged.length;
    await until(() => acknowledged.length > before + 100, "some are acknowledged");
    await server.end();
    isKilled = true;
    await Promise.all(writers);
    await assertAway(store.put({ entry: entry(id), ...bare }));
    await assertAway(store.find(id));
    await server.run();
    await back(store);
  }
  for (const other of acknowledged) {
    assertEquals((await store.find(other)).entry?.id, other);
  }
  assert((await store.countNodes()).active >= acknowledged.length);
  assert(log.entries.some(({ event }) => event === "store_back"));
  await store.close();
});

redisTest(
  "A used proof stays used when Redis was killed, and the memory of proofs begins anew",
  async () => {
    await using server = await RedisServer.start();
    const store = await openRedisStore(server.port);
    assertEquals(await store.claimProof(freshUse()), false, "of the second the memory began in");
    const used = await untilTaken(store);
    await server.end();
    await server.run();
    await back(store);
    assertEquals(await store.claimProof({ ...used, nowMs: Date.now() }), false);
    await untilTaken(store);
    await store.close();
  },
);

redisTest("A Redis that hangs is left in time, and used again when it answers", async () => {
  await using server = await RedisServer.start();
  await using proxy = new TcpProxy(server.port);
  const store = await openRedisStore(proxy.port);
  await store.put({ entry: entry(id), ...bare });
  proxy.delayMs = 200;
  assertEquals((await store.find(id)).entry?.seq, 5, "slow is not away");
  server.signal("SIGSTOP");
  const many = Array.from({ length: 50 }, () => store.find(id));
  const startedMs = performance.now();
  for (const work of many) await assertAway(work);
  assert(performance.now() - startedMs < 60_000);
  await assertAway(store.put({ entry: entry(id, { seq: 6 }), ...bare }));
  server.signal("SIGCONT");
  proxy.delayMs = 0;
  await back(store);
  assertEquals((await store.find(id)).entry?.id, id);
  await store.close();
});

redisTest(
  "A store holds a bounded number of commands that its server does not answer",
  async () => {
    await using server = await RedisServer.start();
    const store = await openRedisStore(server.port);
    server.signal("SIGSTOP");
    const many = Array.from({ length: 10_100 }, () => store.find(id).then(() => null, (e) => e));
    const errors = await Promise.all(many);
    const refused = errors.filter((error) => /too much/.test(error?.message)).length;
    assertEquals(refused, 100);
    server.signal("SIGCONT");
    await back(store);
    await store.close();
  },
);

redisTest(
  "A Redis whose memory is full refuses what is new, still answers and forgets what is old",
  async () => {
    await using server = await RedisServer.start();
    const store = await openRedisStore(server.port, { time: "caller", nowMs: 0 });
    await store.put({ entry: entry(id), ...bare });
    await server.tell("CONFIG", "SET", "maxmemory", "1");
    const other = testIdentity(8).id;
    await assertAway(store.put({ entry: entry(other), ...bare }));
    await assertAway(store.claimProof(freshUse()));
    assertEquals((await store.find(id)).entry?.seq, 5);
    assertEquals((await store.find(other)).entry, null);
    assertEquals((await store.countNodes()).active, 1);
    const swept = await store.sweep({
      nowMs: 0,
      proofsBefore: 0,
      leasesBefore: 1_000,
      latestLeaseEnd: null,
      countsAt: { activeAfter: 0, recentAfter: 0 },
    });
    assertEquals(swept.forgotten, 1);
    await server.tell("CONFIG", "SET", "maxmemory", "0");
    await store.put({ entry: entry(other), ...bare });
    await store.close();
  },
);

redisTest(
  "A replica that takes over has what it was sent, and its memory of proofs begins anew",
  async () => {
    await using first = await RedisServer.start();
    await using second = await RedisServer.start(["--replicaof", `127.0.0.1 ${first.port}`]);
    await using proxy = new TcpProxy(first.port);
    const store = await openRedisStore(proxy.port);
    await store.put({ entry: entry(id), ...bare });
    const used = await untilTaken(store);
    await until(
      async () => (await second.tell("EXISTS", `openred:jti:${used.jti}`)).startsWith(":1"),
      "the replica has the proof",
    );
    const log = new MemoryLog();
    const error = await assertRejects(() => openRedisStore(second.port, { log }), OpenRedError);
    assert(/it is a replica/.test(error.message), error.message);
    await first.end();
    await away(store);
    proxy.turnTo(second.port);
    await second.tell("REPLICAOF", "NO", "ONE");
    await back(store);
    const other = { ...freshUse(used.iatSec), nowMs: Date.now() };
    assertEquals(await store.claimProof(other), false, "nobody knows what was used just before");
    assertEquals((await store.find(id)).entry?.seq, 5);
    await untilTaken(store);
    await store.close();
  },
);

redisTest("A server that becomes a replica under a store is left", async () => {
  await using first = await RedisServer.start();
  await using second = await RedisServer.start();
  const log = new MemoryLog();
  const store = await openRedisStore(first.port, { log });
  await first.tell("REPLICAOF", "127.0.0.1", `${second.port}`);
  await assertAway(store.put({ entry: entry(id), ...bare }));
  await until(
    () => log.errors.some((line) => /replica|Cannot|refused/.test(line)),
    "it is said why",
  );
  await first.tell("REPLICAOF", "NO", "ONE");
  await until(
    () => store.put({ entry: entry(id), ...bare }).then(() => true, () => false),
    "the store is back",
  );
  await store.close();
});

redisTest(
  "A Redis that comes back empty gets back what is kept, and its memory of proofs begins anew",
  async () => {
    await using server = await RedisServer.start();
    const store = await openRedisStore(server.port);
    await store.put({ entry: entry(id), ...bare });
    assertEquals(await store.swapOwn("keystore", null, "sealed"), true);
    store.keepOwn("keystore", "sealed");
    const used = await untilTaken(store);
    await server.end();
    await server.empty();
    await server.run();
    await back(store);
    assertEquals((await store.find(id)).entry, null);
    assertEquals(await store.claimProof({ ...used, nowMs: Date.now() }), false);
    assertEquals(await store.getOwn("keystore"), "sealed");
    await store.put({ entry: entry(id), ...bare });
    await untilTaken(store);
    await store.close();
  },
);

redisTest("A store does not use a Redis that has become another directory's", async () => {
  await using server = await RedisServer.start();
  const log = new MemoryLog();
  const store = await openRedisStore(server.port, { log });
  await store.swapOwn("keystore", null, "sealed");
  store.keepOwn("keystore", "sealed");
  await server.tell("HSET", "openred:own", "keystore", "other");
  await server.end();
  await server.run();
  await until(() => log.errors.some((line) => /another directory/.test(line)), "it is said");
  await assertAway(store.find(id));
  await server.tell("HSET", "openred:own", "keystore", "sealed");
  await back(store);
  await store.close();
});
