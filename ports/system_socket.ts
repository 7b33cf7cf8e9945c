/**
 * One TCP or TLS connection as a reader and writer of bytes, for servers and channels that must know
 * what they hold before it is whole.
 *
 * @module
 */
import { Buffer } from "node:buffer";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const FIRST_CHUNK_BYTES = 4 * 1024;
/** What an answer or a frame is written in, so that every part that left is seen as progress. */
const WRITE_BYTES = 256 * 1024;

/** What carries bytes: TCP, or TLS over it. */
export type ByteConnection = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;

/** The bytes of one connection. Reading and writing may go on at the same time, each one call after the other. */
export class Socket {
  readonly #connection: ByteConnection;
  #chunk = new Uint8Array(FIRST_CHUNK_BYTES);
  /** The same bytes, as what makes text of them. */
  #asBuffer = Buffer.from(this.#chunk.buffer);
  #start = 0;
  #end = 0;
  /** How many of the held bytes were looked through for a blank line. */
  #looked = 0;
  #isClosed = false;
  readonly #closed = Promise.withResolvers<void>();
  #written = 0;
  #isWriting = false;

  constructor(connection: ByteConnection) {
    this.#connection = connection;
  }

  /** What was read and not taken yet. A view that the next call may overwrite. */
  get held(): Uint8Array<ArrayBuffer> {
    return this.#chunk.subarray(this.#start, this.#end);
  }

  get heldBytes(): number {
    return this.#end - this.#start;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when it was closed here. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Bytes that have left so far. */
  get writtenBytes(): number {
    return this.#written;
  }

  /** Whether something waits for the other end to take it. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Counts `length` of the held bytes as taken. */
  skip(length: number): void {
    this.#start += length;
    this.#looked = 0;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Takes what is held up to the first blank line, and that line with it. An empty line at the very beginning, as some
   * clients send one behind a body, is dropped.
   * @returns Latin-1 text, or `null` where no blank line is held.
   */
  takeHead(): string | null {
    const chunk = this.#chunk;
    if (this.#end - this.#start >= 2 && this.#isLineEnd(this.#start)) this.skip(2);
    let at = chunk.indexOf(LINE_FEED, this.#start + this.#looked);
    while (at >= 0 && at + 2 < this.#end) {
      if (this.#isLineEnd(at + 1)) {
        // A line feed alone ends no line: it stays, and is refused with what it stands in.
        const end = chunk[at - 1] === CARRIAGE_RETURN && at > this.#start ? at - 1 : at + 1;
        const text = this.#asBuffer.toString("latin1", this.#start, end);
        this.skip(at + 3 - this.#start);
        return text;
      }
      at = chunk.indexOf(LINE_FEED, at + 1);
    }
    this.#looked = Math.max(0, this.heldBytes - 3);
    return null;
  }

  #isLineEnd(at: number): boolean {
    return this.#chunk[at] === CARRIAGE_RETURN && this.#chunk[at + 1] === LINE_FEED;
  }

  /**
   * Reads more behind what is held.
   * @param maxBytes What may be held at most.
   * @returns `false` at the end of what the other one sends, and where there is no room left.
   * @throws {Error} Where the connection broke or was closed here.
   */
  async fill(maxBytes: number): Promise<boolean> {
    if (this.heldBytes >= maxBytes) return false;
    this.#makeRoom(maxBytes);
    const chunk = this.#chunk;
    const length = await this.#connection.read(this.#end === 0 ? chunk : chunk.subarray(this.#end));
    if (length === null) return false;
    this.#end += length;
    return true;
  }

  #makeRoom(maxBytes: number): void {
    if (this.#end < this.#chunk.length) return;
    const held = this.held;
    if (this.#start > 0) this.#chunk.copyWithin(0, this.#start, this.#end);
    else {
      this.#chunk = new Uint8Array(Math.min(maxBytes, 2 * this.#chunk.length));
      this.#chunk.set(held);
      this.#asBuffer = Buffer.from(this.#chunk.buffer);
    }
    this.#start = 0;
    this.#end = held.length;
  }

  /**
   * Reads into `target`: first what is held, otherwise straight from the connection.
   * @returns How many bytes, or `null` at the end.
   */
  async read(target: Uint8Array<ArrayBuffer>): Promise<number | null> {
    if (this.heldBytes === 0) return await this.#connection.read(target);
    const some = this.held.subarray(0, target.length);
    target.set(some);
    this.skip(some.length);
    return some.length;
  }

  /** Writes all of it. @throws {Error} Where the connection broke or was closed here. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#isWriting = true;
    try {
      for (let at = 0; at < bytes.length;) {
        const isWhole = at === 0 && bytes.length <= WRITE_BYTES;
        const part = isWhole ? bytes : bytes.subarray(at, at + WRITE_BYTES);
        const length = await this.#connection.write(part);
        at += length;
        this.#written += length;
      }
    } finally {
      this.#isWriting = false;
    }
  }

  /** Says that nothing more is coming from here. */
  async endWriting(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Gives the descriptor back, whatever the other end does. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.resolve();
    try {
      this.#connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
