import { findValkey, RedisServer, whyNoRedis } from "../world/redis_server.ts";
import { openRedisStore } from "../world/redis_store.ts";
import { type OpenStore, testDirectoryStore } from "./directory_store.ts";

function openOn(program?: string): OpenStore {
  return async (beginMs) => {
    const server = await RedisServer.start([], program);
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
  };
}

const traits = { sweepsProofs: false };
const why = whyNoRedis();
if (why === null) testDirectoryStore("RedisStore", openOn(), traits);
else Deno.test({ name: `RedisStore (left out: ${why})`, ignore: true, fn() {} });

const valkey = findValkey();
if (valkey !== null) testDirectoryStore("RedisStore on Valkey", openOn(valkey), traits);
else {Deno.test({
    name: "RedisStore on Valkey (left out: no valkey-server)",
    ignore: true,
    fn() {},
  });}
