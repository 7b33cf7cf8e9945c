import { RedisServer, whyNoRedis } from "../world/redis_server.ts";
import { openRedisStore } from "../world/redis_store.ts";
import { testDirectoryStore } from "./directory_store.ts";

const why = whyNoRedis();
if (why !== null) {
  Deno.test({ name: `RedisStore (left out: ${why})`, ignore: true, fn() {} });
} else {
  testDirectoryStore("RedisStore", async (beginMs) => {
    const server = await RedisServer.start();
    const open = (nowMs: number) => openRedisStore(server.port, { time: "caller", nowMs });
    let store = await open(beginMs);
    return {
      store,
      async reopen() {
        await store.close();
        store = await open(beginMs + 60_000);
        return store;
      },
      async close() {
        await store.close();
        await server[Symbol.asyncDispose]();
      },
    };
  }, { sweepsProofs: false });
}
