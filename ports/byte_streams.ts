/**
 * Long answers of others, read by a caller who says where to.
 *
 * @module
 */

export interface ByteRequest {
  /** `http:` or `https:`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Until the head of the answer is there. */
  readonly timeoutMs: number;
  /** How long nothing may come while somebody reads. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** An answer whose body has a length. It holds a connection until it is closed. */
export interface ByteAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The length of its body; 0 where the answer names none. */
  readonly bytes: number;
  /**
   * Reads some of the body into `target`. One call after the other.
   * @returns How many bytes; `null` once all of it was read.
   * @throws {OpenRedError} `unreachable` where nothing comes, or it breaks off.
   * @throws {DOMException} `AbortError` when the signal fired.
   */
  read(target: Uint8Array<ArrayBuffer>): Promise<number | null>;
  close(): void;
}

/**
 * Asks by GET. Follows no redirect.
 * @throws {OpenRedError} `unreachable` where no answer comes in time, or one that is not of HTTP/1.1.
 * @throws {DOMException} `AbortError` when the signal fired.
 */
export type OpenBytes = (request: ByteRequest) => Promise<ByteAnswer>;
