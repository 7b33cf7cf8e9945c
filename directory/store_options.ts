/**
 * The options of `openred-central run` that say where a directory keeps what it knows.
 *
 * @module
 */

const DEFAULT_PORT = 6379;
const MAX_DATABASE = 15;

/** A Redis server, as its URL names it. */
interface RedisAddress {
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly database: number;
  readonly username: string | null;
}

/** A Redis server, and the files that using it takes. */
export interface RedisOptions {
  readonly address: RedisAddress;
  readonly passwordFile: string | null;
  readonly authoritiesFile: string | null;
  readonly keyFile: string;
}

/** What the command line has of it. `sqlite`: the data directory. */
export interface StoreFlags {
  readonly store: RedisAddress | WrongAddress | "sqlite";
  readonly storePasswordFile?: string;
  readonly storeCaFile?: string;
  readonly storeKeyFile?: string;
}

/** The address in a form to print. */
export function addressText({ hostname, port, isTls, database }: RedisAddress): string {
  return `${isTls ? "rediss" : "redis"}://${hostname}:${port}/${database}`;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What is wrong with an address. Told without repeating what was typed, which may have a password in it. */
interface WrongAddress {
  readonly wrong: string;
}

/** Reads `--store`. */
export function parseStore(text: string): StoreFlags["store"] {
  if (text === "sqlite") return text;
  const url = /^rediss?:\/\/[^/]/.test(text) && text.length <= 512 ? URL.parse(text) : null;
  if (url === null || url.search !== "" || url.hash !== "" || !/^\/?\d{0,2}$/.test(url.pathname)) {
    return { wrong: "expected sqlite, redis://host:port or rediss://user@host:port/0" };
  }
  if (url.password !== "") return { wrong: "a password stands in a file: --store-password-file" };
  const database = Number(url.pathname.slice(1));
  if (database > MAX_DATABASE) {
    return { wrong: `expected a database from 0 to ${MAX_DATABASE}` };
  }
  return {
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? DEFAULT_PORT : Number(url.port),
    isTls: url.protocol === "rediss:",
    database,
    username: url.username === "" ? null : unescaped(url.username),
  };
}

/**
 * Puts the options together; `null` for a store in the data directory.
 * @param fail Says what does not go together.
 */
export function redisOptionsOf(
  flags: StoreFlags,
  fail: (message: string) => never,
): RedisOptions | null {
  const { store, storePasswordFile, storeCaFile, storeKeyFile } = flags;
  if (store === "sqlite") {
    if (storePasswordFile ?? storeCaFile ?? storeKeyFile) {
      fail(
        "error: --store-password-file, --store-ca-file and --store-key-file need --store redis://…",
      );
    }
    return null;
  }
  if ("wrong" in store) return fail(`error: --store: ${store.wrong}`);
  if (storeKeyFile === undefined) {
    return fail(
      "error: --store redis://… needs --store-key-file, under which the directory's keys are sealed there",
    );
  }
  if (storeCaFile !== undefined && !store.isTls) {
    fail("error: --store-ca-file needs --store rediss://…");
  }
  return {
    address: store,
    passwordFile: storePasswordFile ?? null,
    authoritiesFile: storeCaFile ?? null,
    keyFile: storeKeyFile,
  };
}
