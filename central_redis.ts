/**
 * The shared store of a directory: loaded where one is asked for.
 *
 * @module
 */
import { MAX_SECRET_BYTES } from "./crypto/interface.ts";
import type { SharedPorts } from "./directory/parts.ts";
import { addressText, type RedisOptions } from "./directory/store_options.ts";
import { RedisStore } from "./directory/stores/redis.ts";
import { isOwnHost } from "./ports/loopback.ts";
import type { Log } from "./ports/ports.ts";
import { systemClock } from "./ports/system.ts";
import { openRedis, reasonOf, type RedisPlace } from "./ports/system_redis.ts";
import { ProcessError } from "./process/process_error.ts";
import { readShortFile } from "./process/secret_file.ts";

const MAX_PASSWORD_BYTES = 512;
const MAX_AUTHORITIES_BYTES = 1_048_576;
/** Whoever has a copy of the store can try what the keys are sealed under as often as they like. */
const MIN_KEY_BYTES = 16;

function placeOf({ address, passwordFile, authoritiesFile }: RedisOptions): RedisPlace {
  const text = (path: string | null, flag: string, maxBytes: number) =>
    path === null
      ? null
      : new TextDecoder().decode(readShortFile(path, { flag, minBytes: 1, maxBytes }));
  return {
    ...address,
    password: text(passwordFile, "--store-password-file", MAX_PASSWORD_BYTES),
    authorities: text(authoritiesFile, "--store-ca-file", MAX_AUTHORITIES_BYTES),
  };
}

/**
 * Connects to the server.
 * @throws {ProcessError} Where a file does not serve, there is no connection, or the server must not be used.
 */
export async function openSharedStore(
  options: RedisOptions,
  log: Log,
): Promise<{ store: RedisStore; shared: SharedPorts }> {
  const { address, keyFile } = options;
  const flag = "--store-key-file";
  const key = readShortFile(keyFile, {
    flag,
    minBytes: MIN_KEY_BYTES,
    maxBytes: MAX_SECRET_BYTES,
  });
  const place = placeOf(options);
  if (!place.isTls && !isOwnHost(place.hostname)) log.log("warn", "store_without_tls");
  try {
    const store = await RedisStore.open({
      clock: systemClock,
      log,
      connect: (prepare) => openRedis(place, { clock: systemClock, log, prepare }),
    });
    const shared = {
      counters: store.counters,
      keySecret: () => key.slice(),
      keepOwn: (name: string, value: string) => store.keepOwn(name, value),
    };
    return { store, shared };
  } catch (cause) {
    throw new ProcessError(1, `--store ${addressText(address)}: ${reasonOf(cause)}`, { cause });
  }
}
