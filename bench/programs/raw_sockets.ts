/**
 * Bare WebSockets: what frames would cost without sessions.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { roundTrips } from "./round_trips.ts";

/** The first byte of a message: whether its receiver sends it back. */
const NOTE = 0;
const PING = 1;
const MAX_BUFFERED_BYTES = 2 ** 20;

/** One bare WebSocket to another process, and those that others opened. */
export class RawSockets {
  #socket: WebSocket | null = null;
  #received = 0;
  #expected = Infinity;
  #arrived: () => void = () => {};
  #pong: () => void = () => {};

  /** Upgrades a request. */
  accept(request: Request): Response {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (new Uint8Array(data)[0] === PING) return socket.send(data);
      this.#received += 1;
      if (this.#received === this.#expected) this.#arrived();
    };
    return response;
  }

  /** Opens a socket to the process that serves a port. */
  async open(port: number): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/raw`);
    socket.binaryType = "arraybuffer";
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("The bare WebSocket was refused"));
    });
    socket.onmessage = () => this.#pong();
    this.#socket = socket;
  }

  /** Sends `count` messages. */
  async flood(options: { count: number; bytes: number }): Promise<void> {
    const socket = this.#opened();
    for (let i = 0; i < options.count; i++) {
      const message = new Uint8Array(options.bytes);
      message[0] = NOTE;
      socket.send(message);
      while (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** Resolves when `count` messages of a flood have come since the last call. */
  async expect(count: number): Promise<void> {
    this.#expected = count;
    if (this.#received < count) await new Promise<void>((resolve) => this.#arrived = resolve);
    this.#received = 0;
    this.#expected = Infinity;
  }

  /** @returns Microseconds of each round trip. */
  ping(options: { count: number; bytes: number }): Promise<number[]> {
    const socket = this.#opened();
    return roundTrips(options.count, (answered) => {
      this.#pong = answered;
      const message = new Uint8Array(options.bytes);
      message[0] = PING;
      socket.send(message);
    });
  }

  #opened(): WebSocket {
    if (this.#socket === null) throw new Error("There is no bare WebSocket yet");
    return this.#socket;
  }
}
