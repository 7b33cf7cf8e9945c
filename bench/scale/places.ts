/**
 * Where a directory of very many nodes is: a data directory with its database, or a Redis server besides.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import type { DirectoryStore } from "../../directory/stores/store.ts";
import { systemClock } from "../../ports/system.ts";
import { RedisServer } from "../../tests/world/redis_server.ts";
import { openRedisStore } from "../../tests/world/redis_store.ts";

/** One store that measurements are made of. */
export interface Place extends AsyncDisposable {
  readonly data: string;
  readonly args: readonly string[];
  /** The server beside the directory, if there is one. */
  readonly serverPid: number | null;
  open(): Promise<DirectoryStore>;
  /** Opens it to be filled, which takes no notice of what a loss of power would do, and makes it as it was. */
  fill(run: (store: DirectoryStore) => Promise<void>): Promise<void>;
}

function openSqlite(data: string): { store: SqliteStore; database: DatabaseSync } {
  const database = new DatabaseSync(`${data}/directory.db`);
  return { store: new SqliteStore(() => database, systemClock), database };
}

export async function sqlitePlace(): Promise<Place> {
  const data = await Deno.makeTempDir({ prefix: "openred-scale-" });
  return {
    data,
    args: [],
    serverPid: null,
    open: () => Promise.resolve(openSqlite(data).store),
    async fill(run) {
      const { store, database } = openSqlite(data);
      database.exec("PRAGMA synchronous = OFF");
      await run(store);
      await store.close();
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
    async fill(run) {
      const store = await open();
      await server.tell("CONFIG", "SET", "appendfsync", "no");
      await run(store);
      await server.tell("CONFIG", "SET", "appendfsync", "always");
      await store.close();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await Deno.remove(data, { recursive: true });
    },
  };
}
