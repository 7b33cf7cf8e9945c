/**
 * The outside world as small interfaces. `ports/system.ts` holds the real ones; the simulation has its own.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import type { OwnNetwork } from "../protocol/lan_paths.ts";

export interface Clock {
  /** Milliseconds since the Unix epoch. May jump. */
  nowMs(): number;
  /** Milliseconds since some fixed point; never goes back. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`; for 0, in the next turn of the event loop. The returned function cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

export interface Random {
  /** Fresh unpredictable bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** The whole exchange, answer body included, must be over by then. */
  readonly timeoutMs: number;
  /** A longer answer ends the exchange. */
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Requests to URLs that others wrote. Never follows a redirect. */
export interface HttpClient {
  /**
   * @throws {OpenRedError} `unreachable` when no whole answer came in time, or it was too large.
   * @throws {DOMException} `AbortError` when `signal` fired.
   */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /**
   * Opens a WebSocket (`ws:` or `wss:`), without subprotocol.
   * @throws {OpenRedError} `unreachable`.
   */
  openChannel(
    options: { url: string; timeoutMs: number; signal?: AbortSignal; maxMessageBytes?: number },
  ): Promise<Channel>;
}

/** What a channel tells its owner. */
export interface ChannelListener {
  /**
   * A binary message, or `null` for one of text.
   * @param isLast `false` for a part that is not the last of its message, which only a channel has that is read in parts.
   * @returns Resolves when its work is done. A channel on which too much is under way is read no further until then.
   */
  message(data: Uint8Array<ArrayBuffer> | null, isLast?: boolean): Promise<void> | void;
  /** Called once, however the channel ended. */
  close(code: number): void;
}

/** One WebSocket, either end of it. */
export interface Channel {
  /** Bytes handed to {@linkcode send} that have not left this machine yet. */
  readonly bufferedBytes: number;
  /** Messages that came before this call are kept and handed over in order. Call it once. */
  listen(listener: ChannelListener): void;
  /**
   * Sends a message, or a part of one. Ignored after the end.
   * @param isLast `false` where the message goes on with what is sent next.
   */
  send(data: Uint8Array<ArrayBuffer>, isLast?: boolean): void;
  /** Resolves once nothing waits here any more of what was sent, or the channel has ended. */
  flushed(): Promise<void>;
  close(code: number, reason?: string): void;
}

/** How an accepted channel is read. */
export interface UpgradeOptions {
  /** A longer message ends the channel. */
  readonly maxMessageBytes?: number;
  /** Parts of at most so many bytes, a multiple of 4, are handed over as they come; whole messages if absent. */
  readonly partBytes?: number;
  /** Where so much is being worked on, it is read no further. */
  readonly underWayBytes?: number;
}

/** Turns a request into a WebSocket. */
export interface ChannelUpgrader {
  upgrade(
    request: Request,
    options?: UpgradeOptions,
  ): { readonly response: Response; readonly channel: Channel };
}

/** A request as the listener of this program gives it. */
export interface PatientRequest {
  /**
   * From now on the pauses of its body are limited, no longer the whole of it, and parts that were read are not held.
   */
  takeTime?(): void;
}

/** Where a request came from, as the server that took it knows. */
export interface RequestSource {
  /** The IP address, or another stable name, of the other end. */
  readonly address: string;
  /** Whether that is a name to count by as it stands: who calls through a relay has no address here. */
  readonly isName?: boolean;
}

export interface Resolver {
  /**
   * All addresses of a host name.
   * @throws {OpenRedError} `unreachable`.
   */
  resolve(host: string, signal?: AbortSignal): Promise<readonly string[]>;
}

/** The IPv4 networks that interfaces of this machine are in now. */
export interface OwnNetworks {
  list(): readonly OwnNetwork[];
}

/** A file of a data directory. */
export interface FileInfo {
  readonly name: string;
  readonly bytes: number;
}

/** Small files of one data directory, every write atomic and durable. A link is listed, and refused by every other call. */
export interface Files {
  /** @returns The content, or `null` if there is no such file. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Writes a file of mode 0600: temporary file, fsync, rename, fsync of the folder. */
  write(name: string, content: Uint8Array): Promise<void>;
  /**
   * Adds to the end of a file, which is made, of mode 0600, where there is none; fsync. What is on its way when the
   * process dies may be there in part; a failure takes back what it can.
   */
  append(name: string, content: Uint8Array): Promise<void>;
  /** Cuts a file down to its first `bytes` in place; fsync. One that is not longer, or not there, is left alone. */
  truncate(name: string, bytes: number): Promise<void>;
  /** The files whose names begin with `prefix`, by name. */
  list(prefix: string): Promise<readonly FileInfo[]>;
  /** Removes a file; one that is not there is ignored. */
  remove(name: string): Promise<void>;
  /** Copies a file, in the place of whatever has the new name; fsync. One that is not there is ignored. */
  copy(name: string, newName: string): Promise<void>;
  /** Gives a file another name, in the place of whatever has that; one that is not there is ignored. Needs no space. */
  rename(name: string, newName: string): Promise<void>;
}

/**
 * Opens (or makes) a SQLite database of the data directory.
 * @throws {OpenRedError} `not_found` where it is not there and must be.
 */
export type OpenDatabase = (
  name: string,
  options?: { readonly mustExist: boolean },
) => DatabaseSync;

/** From the least to the most. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Structured log. Fields never hold secrets. */
export interface Log {
  log(level: LogLevel, event: string, fields?: LogFields): void;
}

/** Which lines a log writes. */
export interface LogSwitch {
  /** The lowest level that is written. */
  level: LogLevel;
}
