import { RedisStore } from "../../directory/stores/redis.ts";
import { systemClock } from "../../ports/system.ts";
import { openRedis, type RedisPlace } from "../../ports/system_redis.ts";
import { MemoryLog } from "../world/memory_log.ts";
import { RedisServer, whyNoRedis } from "../world/redis_server.ts";
import { testDirectoryStore } from "./directory_store.ts";

function openStore({ port }: RedisServer, nowMs: number): Promise<RedisStore> {
  const log = new MemoryLog();
  const place: RedisPlace = {
    hostname: "127.0.0.1",
    port,
    isTls: false,
    database: 0,
    username: null,
    password: null,
    authorities: null,
  };
  return RedisStore.open({
    clock: { nowMs: () => nowMs },
    log,
    connect: (prepare) => openRedis(place, { clock: systemClock, log, prepare }),
  }, "caller");
}

const why = whyNoRedis();
if (why !== null) {
  Deno.test({ name: `RedisStore (left out: ${why})`, ignore: true, fn() {} });
} else {
  testDirectoryStore("RedisStore", async (beginMs) => {
    const server = await RedisServer.start();
    let store = await openStore(server, beginMs);
    return {
      store,
      async reopen() {
        await store.close();
        store = await openStore(server, beginMs + 60_000);
        return store;
      },
      async close() {
        await store.close();
        await server[Symbol.asyncDispose]();
      },
    };
  }, { sweepsProofs: false });
}
