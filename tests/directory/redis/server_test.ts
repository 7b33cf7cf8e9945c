import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { callOf } from "../../../directory/stores/redis_server.ts";
import { entry } from "../../contract/directory_store.ts";
import { testIdentity } from "../../protocol/signer.ts";
import { MemoryLog } from "../../world/memory_log.ts";
import { RedisServer, redisTest } from "../../world/redis_server.ts";
import { openRedisStore } from "../../world/redis_store.ts";
import { until } from "../../world/until.ts";

const { id } = testIdentity(9);
const bare = { next: null, succession: null };
/** Under which name the functions lie in a server. */
const LIBRARY = callOf("put", [])[1]!.replace(/_put$/, "");

redisTest(
  "A store takes no server that loses or evicts what it acknowledged, and says what to set",
  async () => {
    const wrong: [string[], RegExp][] = [
      [
        ["--maxmemory-policy", "allkeys-lru"],
        /maxmemory-policy is allkeys-lru, expected noeviction/,
      ],
      [["--appendonly", "no"], /appendonly is no, expected yes/],
      [["--appendfsync", "everysec"], /appendfsync is everysec, expected always/],
      [["--cluster-enabled", "yes"], /it is a cluster/],
    ];
    for (const [options, expected] of wrong) {
      await using server = await RedisServer.start(options);
      const error = await assertRejects(() => openRedisStore(server.port));
      assertMatch((error as Error).message, expected);
      assertEquals(await server.tell("DBSIZE"), ":0\r\n");
    }
  },
);

redisTest("A store is taken back only when its server may be used again", async () => {
  await using server = await RedisServer.start();
  const log = new MemoryLog();
  const store = await openRedisStore(server.port, { log });
  await server.end();
  await server.run(["--appendonly", "no"]);
  await until(() => log.errors.some((line) => /appendonly is no/.test(line)), "it is said");
  await assertRejects(() => store.find(id));
  await store.close();
});

redisTest("A store does not call functions that others put under its name", async () => {
  await using server = await RedisServer.start();
  const code = `#!lua name=${LIBRARY}\nredis.register_function('${LIBRARY}_put', function() end)`;
  await server.tell("FUNCTION", "LOAD", code);
  const error = await assertRejects(() => openRedisStore(server.port));
  assertStringIncludes((error as Error).message, `other functions under the name ${LIBRARY}`);
});

redisTest("Two versions of the functions lie beside each other in one server", async () => {
  await using server = await RedisServer.start();
  const code = "#!lua name=openred_0\nredis.register_function('openred_0_put', function() end)";
  await server.tell("FUNCTION", "LOAD", code);
  const store = await openRedisStore(server.port);
  const list = await server.tell("FUNCTION", "LIST");
  for (const name of ["openred_0_put", `${LIBRARY}_put`]) assertStringIncludes(list, name);
  await store.close();
});

redisTest(
  "An ACL user with the rights of the manual is enough, one without them is told",
  async () => {
    await using server = await RedisServer.start();
    await server.tell("ACL", "SETUSER", "directory", "on", ">secret", "~openred:*", ...RIGHTS);
    await server.tell("ACL", "SETUSER", "default", "off");
    const place = { username: "directory", password: "secret" };
    const store = await openRedisStore(server.port, { place });
    await store.put({ entry: entry(id), ...bare });
    assertEquals((await store.find(id)).entry?.id, id);
    assertEquals((await store.countNodes()).active, 1);
    await store.claimProof({ jti: "x", iatSec: Math.floor(Date.now() / 1000), nowMs: Date.now() });
    const { name, lifeMs, places } = { name: "x", lifeMs: 9, places: [{ place: "h", max: 1 }] };
    assert(await store.counters.enter({ name, lifeMs, places }));
    await store.counters.leave({ name, places });
    await store.counters.take({ name: "n", source: "x", max: 1, wanted: 1, windowMs: 9 });
    await store.list({
      after: "",
      limit: 1,
      leaseEndsAfter: 0,
      leaseEndsBy: 9,
      service: null,
      alias: null,
    });
    await store.close();
    const wrong = await assertRejects(() =>
      openRedisStore(server.port, { place: { ...place, password: "guess" } })
    );
    assertMatch((wrong as Error).message, /WRONGPASS/);
    assert(!/guess|secret/.test(`${(wrong as Error).message} ${(wrong as Error).stack}`));
  },
);

/** docs/CONFIGURATION.md names them. */
const RIGHTS = [
  "-@all",
  "+@read",
  "+@write",
  "+@connection",
  "+fcall",
  "+function|list",
  "+function|load",
  "+info",
  "+time",
  "+config|get",
];

redisTest(
  "Leases, proofs and sweeps go by the server's clock, whatever a process thinks",
  async () => {
    await using server = await RedisServer.start();
    const day = 86_400_000;
    const log = new MemoryLog();
    const ahead = await openRedisStore(server.port, { nowMs: Date.now() + 200 * day, log });
    assert(log.entries.some(({ event }) => event === "store_clock_differs"));
    const nowMs = Date.now() + 200 * day;
    const given = entry(id, { lastSeenAt: nowMs, leaseEndAt: nowMs + 60_000, calledBackAt: nowMs });
    await ahead.put({ entry: given, ...bare });
    const stored = (await ahead.find(id)).entry!;
    assert(Math.abs(stored.lastSeenAt - Date.now()) < 60_000, `${stored.lastSeenAt}`);
    assertEquals(stored.leaseEndAt - stored.lastSeenAt, 60_000);
    assertEquals(stored.calledBackAt, stored.lastSeenAt);
    const swept = await ahead.sweep({
      nowMs,
      proofsBefore: 0,
      leasesBefore: nowMs - 180 * day,
      latestLeaseEnd: nowMs + 90_000,
      countsAt: { activeAfter: nowMs, recentAfter: nowMs },
    });
    assertEquals([swept.forgotten, swept.isDone], [0, true]);
    assertEquals((await ahead.countNodes()).active, 1);
    assertEquals((await ahead.find(id)).entry, stored);
    const iatSec = Math.floor(nowMs / 1000);
    assertEquals(await ahead.claimProof({ jti: "x", iatSec, nowMs }), false);
    await ahead.close();
  },
);
