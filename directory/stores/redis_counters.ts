/**
 * The counters of several processes, in the Redis server that they share.
 *
 * @module
 */
import type { RedisReply } from "../../ports/redis.ts";
import type { Place } from "../limiters.ts";
import type { SharedCounters } from "../shared_limits.ts";

/** Calls a function of the server. */
type CallFunction = (name: string, args: readonly string[]) => Promise<RedisReply>;

/** Counters over functions of a Redis server. */
export function redisCounters(call: CallFunction): SharedCounters {
  return {
    async take({ name, source, max, wanted, windowMs }) {
      const key = `${name}:${source}`;
      const answer = await call("take", [key, `${max}`, `${windowMs}`, `${wanted}`]);
      const [granted, leftMs] = answer as readonly [number, number];
      return { granted, leftMs };
    },
    async enter({ name, lifeMs, places }) {
      const rooms = places.flatMap(({ place, max }: Place) => [place, `${max}`]);
      return await call("enter", [name, `${lifeMs}`, ...rooms]) === 1;
    },
    async leave({ name, places }) {
      await call("leave", [name, ...places.map(({ place }) => place)]);
    },
  };
}
