/**
 * Where a directory of very many nodes is: a data directory with its database, or a Redis server besides.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { NodeId } from "../../crypto/encoding.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import type { DirectoryStore } from "../../directory/stores/store.ts";
import { createOpenDatabase, systemClock } from "../../ports/system.ts";
import { createWriteAhead } from "../../ports/system_write_ahead.ts";
import { RedisServer } from "../../tests/world/redis_server.ts";
import { openRedisStore } from "../../tests/world/redis_store.ts";
import { fill, type Filling } from "./filling.ts";

/** One store that measurements are made of. */
export interface Place extends AsyncDisposable {
  readonly data: string;
  readonly args: readonly string[];
  /** The server beside the directory, if there is one. */
  readonly serverPid: number | null;
  open(): Promise<DirectoryStore>;
  /**
   * Fills it, which takes no notice of what a loss of power would do, before a directory was started on it.
   * @returns Ids to look up.
   */
  fill(options: Filling): Promise<readonly NodeId[]>;
}

async function readKept(folder: string): Promise<readonly NodeId[] | null> {
  try {
    return JSON.parse(await Deno.readTextFile(`${folder}/ids.json`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** As the program opens it. */
function openSqlite(data: string): { store: SqliteStore; database: DatabaseSync } {
  const name = "directory.db";
  const database = createOpenDatabase(data)(name);
  const writeAhead = createWriteAhead(data, { name, log: { log: console.log } });
  return { store: new SqliteStore(() => database, systemClock, writeAhead), database };
}

/** @param keep A folder in which filled databases are found again; `null` fills each time. */
export async function sqlitePlace(keep: string | null): Promise<Place> {
  const data = await Deno.makeTempDir({ prefix: "openred-scale-" });
  return {
    data,
    args: [],
    serverPid: null,
    open: () => Promise.resolve(openSqlite(data).store),
    async fill(options) {
      const kept = keep === null ? null : `${keep}/sqlite-${options.nodes}`;
      const known = kept === null ? null : await readKept(kept);
      if (known !== null) {
        await Deno.copyFile(`${kept}/directory.db`, `${data}/directory.db`);
        return known;
      }
      const { store, database } = openSqlite(data);
      database.exec("PRAGMA synchronous = OFF");
      const ids = await fill(store, options);
      await store.close();
      if (kept !== null) {
        await Deno.mkdir(kept, { recursive: true });
        await Deno.copyFile(`${data}/directory.db`, `${kept}/directory.db`);
        await Deno.writeTextFile(`${kept}/ids.json`, JSON.stringify(ids));
      }
      return ids;
    },
    [Symbol.asyncDispose]: () => Deno.remove(data, { recursive: true }),
  };
}

export async function redisPlace(): Promise<Place> {
  const data = await Deno.makeTempDir({ prefix: "openred-scale-" });
  const server = await RedisServer.start();
  const keyFile = `${server.folder}/key`;
  await Deno.writeTextFile(keyFile, "what a benchmark seals its keys under\n");
  const open = () => openRedisStore(server.port, { time: "caller" });
  return {
    data,
    args: ["--store", server.url, "--store-key-file", keyFile],
    serverPid: server.pid,
    open,
    async fill(options) {
      const store = await open();
      await server.tell("CONFIG", "SET", "appendfsync", "no");
      const ids = await fill(store, options);
      await server.tell("CONFIG", "SET", "appendfsync", "always");
      await store.close();
      return ids;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(data, { recursive: true });
    },
  };
}
