import { RedisStore } from "../../directory/stores/redis.ts";
import type { RedisTime } from "../../directory/stores/redis_server.ts";
import { systemClock } from "../../ports/system.ts";
import { openRedis, type RedisPlace } from "../../ports/system_redis.ts";
import { MemoryLog } from "./memory_log.ts";

/** A store on a port of the loopback. */
export function openRedisStore(
  port: number,
  options: {
    readonly time?: RedisTime;
    readonly nowMs?: number;
    readonly log?: MemoryLog;
    readonly place?: Partial<RedisPlace>;
  } = {},
): Promise<RedisStore> {
  const { time, nowMs, log = new MemoryLog() } = options;
  const place: RedisPlace = {
    hostname: "127.0.0.1",
    port,
    isTls: false,
    database: 0,
    username: null,
    password: null,
    authorities: null,
    ...options.place,
  };
  return RedisStore.open({
    clock: { nowMs: () => nowMs ?? systemClock.nowMs() },
    log,
    connect: (prepare) => openRedis(place, { clock: systemClock, log, prepare }),
  }, time);
}
