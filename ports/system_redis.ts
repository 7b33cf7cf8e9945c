import type { Clock, Log } from "./ports.ts";
import { redisAway, type RedisLink, type RedisReply, type SendRedis } from "./redis.ts";

const CONNECT_TIMEOUT_MS = 2_000;
/** How often it is looked whether a server answers. A program that is busy itself looks later, and blames nobody. */
const TICK_MS = 500;
/**
 * A server that gave no answer for so many ticks is left, and connected to anew. One that answers, but owes an answer for
 * so long, is given nothing more until it has caught up.
 */
const LATE_TICKS = 4;
/** Commands under way at a time; a server that is slow must not have this program hold any number of them. */
const MAX_UNDER_WAY = 10_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;

/** Answers that say that this is no longer the server it was, or that it has forgotten what it was told. */
const OTHER_SERVER = /^(READONLY|NOAUTH|MASTERDOWN|LOADING|CLUSTERDOWN)\b|Function not found/;

/** Which server, and as whom. */
export interface RedisPlace {
  readonly hostname: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly database: number;
  readonly username: string | null;
  readonly password: string | null;
  /** PEM; the authorities of the system if `null`. */
  readonly authorities: string | null;
}

interface LinkParts {
  readonly clock: Pick<Clock, "setTimer">;
  readonly log: Log;
  /** Looks at a server that was connected to, before anything else is sent. What it throws is why the server is left. */
  readonly prepare: (send: SendRedis) => Promise<void>;
}

/** What of the package's client is used here. */
interface Client {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  sendCommand(command: string[]): Promise<unknown>;
  destroy(): void;
  on(event: "error" | "end", listener: () => void): unknown;
}

/** One connection, from its making until it ends. */
class Connection {
  readonly ended: Promise<void>;
  readonly #client: Client;
  readonly #clock: LinkParts["clock"];
  /** The tick in which each command under way was sent, in the order of their answers. */
  readonly #sentIn = new Map<number, number>();
  #sent = 0;
  #tick = 0;
  #answeredIn = 0;
  #cancelWatch: (() => void) | null = null;
  #isSilent = false;
  #end = () => {};

  constructor(client: Client, clock: LinkParts["clock"]) {
    this.#client = client;
    this.#clock = clock;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    client.on("error", () => this.leave());
    client.on("end", () => this.leave());
  }

  async send(command: readonly string[]): Promise<RedisReply> {
    const [oldest = this.#tick] = this.#sentIn.values();
    if (this.#sentIn.size >= MAX_UNDER_WAY || this.#tick - oldest >= LATE_TICKS) {
      throw redisAway("The store has too much under way");
    }
    const number = this.#sent++;
    this.#sentIn.set(number, this.#tick);
    this.#watch();
    try {
      return await this.#client.sendCommand([...command]) as RedisReply;
    } catch (cause) {
      if (cause instanceof Error && OTHER_SERVER.test(cause.message)) this.leave();
      const why = this.#isSilent ? "The store gives no answer" : "The store does not take this now";
      throw redisAway(why, this.#isSilent ? undefined : cause);
    } finally {
      this.#sentIn.delete(number);
      this.#answeredIn = this.#tick;
    }
  }

  /** Ends it; what is under way fails. */
  leave(): void {
    this.#cancelWatch?.();
    if (this.#client.isOpen) this.#client.destroy();
    this.#end();
  }

  /** Looks from time to time whether the server still answers. */
  #watch(): void {
    if (this.#cancelWatch !== null) return;
    this.#cancelWatch = this.#clock.setTimer(TICK_MS, () => {
      this.#cancelWatch = null;
      this.#tick += 1;
      const [oldest] = this.#sentIn.values();
      if (oldest === undefined) return;
      this.#isSilent = this.#tick - Math.max(oldest, this.#answeredIn) >= LATE_TICKS;
      if (this.#isSilent) this.leave();
      else this.#watch();
    });
  }
}

async function connect(place: RedisPlace, clock: LinkParts["clock"]): Promise<Connection> {
  const { createClient } = await import("@redis/client");
  const { hostname: host, port, isTls, database, username, password, authorities } = place;
  const socket = {
    host,
    port,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectStrategy: false as const,
  };
  const client: Client = createClient({
    database,
    disableClientInfo: true,
    RESP: 2,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    socket: isTls
      ? { ...socket, tls: true, ...(authorities === null ? {} : { ca: authorities }) }
      : socket,
  });
  const connection = new Connection(client, clock);
  const cancel = clock.setTimer(
    CONNECT_TIMEOUT_MS + LATE_TICKS * TICK_MS,
    () => connection.leave(),
  );
  try {
    await client.connect();
    return connection;
  } catch (error) {
    connection.leave();
    throw error;
  } finally {
    cancel();
  }
}

class SystemRedisLink implements RedisLink {
  readonly #place: RedisPlace;
  readonly #parts: LinkParts;
  readonly #closed = new AbortController();
  #connection: Connection | null = null;
  #wake = () => {};

  constructor(place: RedisPlace, parts: LinkParts) {
    this.#place = place;
    this.#parts = parts;
  }

  readonly send = (command: readonly string[]): Promise<RedisReply> => {
    if (this.#connection === null) return Promise.reject(redisAway("The store is away"));
    return this.#connection.send(command);
  };

  /** Connects, and has somebody look at the server. */
  async open(): Promise<void> {
    const connection = await connect(this.#place, this.#parts.clock);
    try {
      await this.#parts.prepare((command) => connection.send(command));
    } catch (error) {
      connection.leave();
      throw error;
    }
    if (this.#closed.signal.aborted) return connection.leave();
    this.#connection = connection;
    void connection.ended.then(() => this.#lost());
  }

  close(): Promise<void> {
    this.#closed.abort();
    this.#wake();
    this.#connection?.leave();
    this.#connection = null;
    return Promise.resolve();
  }

  async #lost(): Promise<void> {
    this.#connection = null;
    const { log } = this.#parts;
    if (this.#closed.signal.aborted) return;
    log.log("warn", "store_away");
    let said = "";
    for (let pauseMs = FIRST_PAUSE_MS; !this.#closed.signal.aborted;) {
      try {
        await this.open();
        if (!this.#closed.signal.aborted) log.log("info", "store_back");
        return;
      } catch (error) {
        const cause = reasonOf(error);
        if (cause !== said) log.log("error", "store_refused", { cause });
        said = cause;
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.setTimer(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** Why a server was not taken, in words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}

/**
 * Connects to a server for the first time.
 * @throws What `prepare` throws, or why there is no connection.
 */
export async function openRedis(place: RedisPlace, parts: LinkParts): Promise<RedisLink> {
  const link = new SystemRedisLink(place, parts);
  await link.open();
  return link;
}
