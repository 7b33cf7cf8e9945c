/**
 * A Redis server as the stores see it.
 *
 * @module
 */
import { OpenRedError } from "../protocol/errors.ts";

/** What a Redis server answers. */
export type RedisReply = string | number | null | readonly RedisReply[];

/** Sends one command. */
export type SendRedis = (command: readonly string[]) => Promise<RedisReply>;

/** One server, over a connection that comes back by itself. */
export interface RedisLink {
  /**
   * Sends one command. Commands are answered in the order in which they are sent.
   * @throws {OpenRedError} `overloaded` while there is no connection that is ready, where no answer came in time, and
   *   for what the server refuses. A command that was sent may have been carried out.
   */
  readonly send: SendRedis;
  /** Ends the connection for good. */
  close(): Promise<void>;
}

/** When a server that is away may be tried again. */
const RETRY_MS = 5_000;

/** What callers hear of a server that does not do what it is asked. */
export function redisAway(why: string, cause?: unknown): OpenRedError {
  const options = { retryAfterMs: RETRY_MS, ...(cause === undefined ? {} : { cause }) };
  return new OpenRedError("overloaded", why, options);
}
