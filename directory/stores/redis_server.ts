/**
 * Whether a Redis server keeps what it acknowledges, and what a directory needs to have there.
 *
 * @module
 */
import { OpenRedError } from "../../protocol/errors.ts";
import type { RedisReply, SendRedis } from "../../ports/redis.ts";
import functions from "./redis_functions.lua" with { type: "text" };

/** Raised with every change of the functions: programs of different versions may use one server. */
const VERSION = 5;
const LIBRARY = `openred_${VERSION}`;
const CODE = `#!lua name=${LIBRARY}\nlocal PREFIX = '${LIBRARY}_'\n${functions}`;

/** The first version that has functions. */
const OLDEST_SERVER = 7;

/** Whose clock says what time it is: the server's, which all processes share; in tests the caller's. */
export type RedisTime = "server" | "caller";

/** The command that calls a function. */
export function callOf(name: string, args: readonly string[]): string[] {
  return ["FCALL", `${LIBRARY}_${name}`, "0", ...args];
}

function refused(message: string): OpenRedError {
  return new OpenRedError(
    "unsupported",
    `The store is no Redis that a directory can use: ${message}`,
  );
}

function readInfo(text: RedisReply): Map<string, string> {
  const lines = typeof text === "string" ? text.split("\r\n") : [];
  return new Map(lines.flatMap((line) => {
    const at = line.indexOf(":");
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
  }));
}

/**
 * Refuses a server that forgets what it acknowledged, or that keeps only a part of it.
 * @throws {OpenRedError} `unsupported`, with what has to be set.
 */
async function checkServer(send: SendRedis): Promise<void> {
  const info = readInfo(await send(["INFO", "default"]));
  const expect = (holds: boolean, message: string) => {
    if (!holds) throw refused(message);
  };
  const version = info.get("redis_version") ?? "unknown";
  expect(Number.parseInt(version) >= OLDEST_SERVER, `version ${version}, expected 7.0 or later`);
  expect(info.get("cluster_enabled") === "0", "it is a cluster");
  expect(info.get("role") === "master", "it is a replica");
  const policy = info.get("maxmemory_policy") ?? "unknown";
  expect(policy === "noeviction", `maxmemory-policy is ${policy}, expected noeviction`);
  expect(info.get("aof_enabled") === "1", "appendonly is no, expected yes");
  const [, sync] = await send(["CONFIG", "GET", "appendfsync"]) as readonly RedisReply[];
  expect(sync === "always", `appendfsync is ${sync}, expected always`);
}

/** @throws {OpenRedError} `unsupported` where the server has other code under that name, or takes none. */
async function loadFunctions(send: SendRedis): Promise<void> {
  const isLoaded = async () => {
    const list = await send(["FUNCTION", "LIST", "LIBRARYNAME", LIBRARY, "WITHCODE"]);
    const [library] = list as readonly (readonly RedisReply[])[];
    if (library === undefined) return false;
    if (library.includes(CODE)) return true;
    throw refused(`it has other functions under the name ${LIBRARY}`);
  };
  if (await isLoaded()) return;
  // Where that fails, another process may have been faster.
  const failure = await send(["FUNCTION", "LOAD", CODE]).then(() => null, (error) => error);
  if (!await isLoaded()) throw failure ?? refused("it keeps no functions");
}

/**
 * Makes a server ready that was connected to: nothing else is sent before.
 * @returns The server's time.
 * @throws {OpenRedError} `unsupported` for one that must not be used; `overloaded` where it does not answer.
 */
export async function prepareServer(
  send: SendRedis,
  at: { readonly time: RedisTime; readonly nowMs: number },
): Promise<number> {
  await checkServer(send);
  await loadFunctions(send);
  return Number(await send(callOf("begin", [at.time, `${at.nowMs}`])));
}
