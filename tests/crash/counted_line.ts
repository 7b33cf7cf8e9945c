/**
 * A line between two nodes: passes on what comes, counts what there is of files, and breaks when it is told to. It is
 * slower than both of them, so that what it has counted does not lie in a buffer on the way.
 *
 * @module
 */

import { pause } from "../../scripts/local_network/timeout.ts";
import { freePort } from "../world/free_port.ts";

const LOOPBACK = "127.0.0.1";
const PIECE_BYTES = 64 * 1024;
const MIN_WAIT_MS = 4;
const FILE_REQUEST = new TextEncoder().encode("GET /p2p/file/");

interface Waiting {
  readonly bytes: number;
  readonly resolve: () => void;
}

/** What leads to one node. Disposing of it breaks all. */
export class CountedLine implements Disposable {
  readonly #listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  /** Where the node listens. */
  readonly listen: string;
  readonly #ofFiles = new Set<Deno.TcpConn>();
  readonly #all = new Set<Deno.TcpConn>();
  readonly #bytesPerMs: number;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #freeAtMs = 0;

  constructor(mibPerSecond: number) {
    this.#bytesPerMs = mibPerSecond * 2 ** 20 / 1_000;
    this.listen = `${LOOPBACK}:${freePort()}`;
    void this.#serve();
  }

  /** What the node is called at. */
  get apiUrl(): string {
    return `http://${LOOPBACK}:${this.#listener.addr.port}`;
  }

  /** So many bytes of files have come from the node. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves once so many bytes have come. */
  until(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ bytes, resolve });
      this.#tell();
    });
  }

  /** Breaks whatever a file is on. */
  cut(): void {
    for (const connection of this.#ofFiles) this.#close(connection);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#all) this.#close(connection);
  }

  async #serve(): Promise<void> {
    for await (const near of this.#listener) {
      this.#all.add(near);
      void this.#pass(near).catch(() => undefined).finally(() => this.#close(near));
    }
  }

  async #pass(near: Deno.TcpConn): Promise<void> {
    const first = new Uint8Array(PIECE_BYTES);
    const length = await near.read(first);
    if (length === null) return;
    const port = Number(this.listen.split(":")[1]);
    const far = await Deno.connect({ hostname: LOOPBACK, port });
    this.#all.add(far);
    const isFile = FILE_REQUEST.every((byte, at) => byte === first[at]);
    if (isFile) this.#ofFiles.add(near).add(far);
    try {
      await writeWhole(far, first.subarray(0, length));
      const there = pump(near, far, () => undefined);
      const back = pump(far, near, (bytes) => isFile ? this.#count(bytes) : undefined);
      // Either end that goes takes the other one along.
      await Promise.race([there, back]);
    } finally {
      this.#close(far);
    }
  }

  /** Resolves when the line is free for more. */
  #count(bytes: number): Promise<void> | undefined {
    this.#bytes += bytes;
    this.#tell();
    const nowMs = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + bytes / this.#bytesPerMs;
    const waitMs = this.#freeAtMs - nowMs;
    return waitMs < MIN_WAIT_MS ? undefined : pause(waitMs);
  }

  #tell(): void {
    const reached = this.#waiting.filter(({ bytes }) => bytes <= this.#bytes);
    if (reached.length === 0) return;
    this.#waiting = this.#waiting.filter(({ bytes }) => bytes > this.#bytes);
    for (const { resolve } of reached) resolve();
  }

  #close(connection: Deno.TcpConn): void {
    this.#ofFiles.delete(connection);
    if (this.#all.delete(connection)) connection.close();
  }
}

/** Ends with the first of the two that does. */
async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  passed: (bytes: number) => Promise<void> | undefined,
): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES);
  try {
    for (let n = await from.read(piece); n !== null; n = await from.read(piece)) {
      await writeWhole(to, piece.subarray(0, n));
      await passed(n);
    }
  } catch {
    // It broke, which is what it is for.
  }
}

async function writeWhole(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}
