/**
 * Where a directory of very many nodes is: a data directory with its database, or a Redis server besides.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { RedisStore } from "../../directory/stores/redis.ts";
import { SqliteStore } from "../../directory/stores/sqlite.ts";
import type { DirectoryStore } from "../../directory/stores/store.ts";
import { systemClock } from "../../ports/system.ts";
import { openRedis } from "../../ports/system_redis.ts";

const REDIS = "/usr/bin/redis-server";
const ANSWERS_WITHIN_MS = 120_000;

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

/** Whether Redis can be measured here. */
export function hasRedis(): boolean {
  try {
    return Deno.statSync(REDIS).isFile;
  } catch {
    return false;
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function tell(port: number, command: string): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(`${command}\r\n`));
  await connection.read(new Uint8Array(1_024));
}

export async function redisPlace(): Promise<Place> {
  const data = await Deno.makeTempDir({ prefix: "openred-scale-" });
  const folder = await Deno.makeTempDir({ prefix: "openred-scale-redis-" });
  const port = freePort();
  const keyFile = `${folder}/key`;
  await Deno.writeTextFile(keyFile, "what a benchmark seals its keys under\n");
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  const server = new Deno.Command(REDIS, {
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, ...durable],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const place = {
    hostname: "127.0.0.1",
    port,
    isTls: false,
    database: 0,
    username: null,
    password: null,
    authorities: null,
  };
  const log = { log() {} };
  const open = () =>
    RedisStore.open({
      clock: systemClock,
      log,
      connect: (prepare) => openRedis(place, { clock: systemClock, log, prepare }),
    }, "caller");
  const endMs = performance.now() + ANSWERS_WITHIN_MS;
  for (;;) {
    try {
      await (await open()).close();
      break;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    data,
    args: ["--store", `redis://127.0.0.1:${port}`, "--store-key-file", keyFile],
    serverPid: server.pid,
    open,
    async fill(run) {
      const store = await open();
      await tell(port, "CONFIG SET appendfsync no");
      await run(store);
      await tell(port, "CONFIG SET appendfsync always");
      await store.close();
    },
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await server.status;
      for (const each of [data, folder]) await Deno.remove(each, { recursive: true });
    },
  };
}
