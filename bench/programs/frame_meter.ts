/**
 * A module that sends and counts frames nobody acknowledges.
 *
 * @module
 */
import type { NodeId } from "../../crypto/encoding.ts";
import type { FrameHandler } from "../../peer/modules/frame_gate.ts";
import type { Sessions } from "../../peer/sessions/sessions.ts";
import { roundTrips } from "./round_trips.ts";

/** Frames sealed at a time. */
const BURST = 128;
/** The receiver says after so many that it has them. */
const CREDIT = 1_024;
/** Frames that nobody has said to have yet: a channel drops what finds no room. */
const MAX_OUTSTANDING = 4 * CREDIT;

/** Sends, answers and counts the frames `bench.note`, `bench.credit`, `bench.ping` and `bench.pong`. */
export class FrameMeter implements FrameHandler {
  #sessions: Sessions | null = null;
  #received = 0;
  #expected = Infinity;
  #arrived: () => void = () => {};
  #pong: () => void = () => {};
  #outstanding = 0;
  #credited: () => void = () => {};

  use(sessions: Sessions): void {
    this.#sessions = sessions;
  }

  receive(peer: NodeId, header: unknown, body: Uint8Array): Promise<boolean> {
    const { type } = header as { type: string };
    if (type === "bench.ping") void this.#send(peer, "bench.pong", body.slice());
    else if (type === "bench.pong") this.#pong();
    else if (type === "bench.credit") this.#takeCredit();
    else this.#takeNote(peer);
    return Promise.resolve(false);
  }

  #takeNote(peer: NodeId): void {
    this.#received += 1;
    if (this.#received % CREDIT === 0) void this.#send(peer, "bench.credit", new Uint8Array());
    if (this.#received === this.#expected) this.#arrived();
  }

  #takeCredit(): void {
    this.#outstanding -= CREDIT;
    this.#credited();
  }

  has(): boolean {
    return false;
  }

  /** Sends `count` frames as fast as they are sealed and received. */
  async flood(peer: NodeId, options: { count: number; bytes: number }): Promise<void> {
    this.#outstanding = 0;
    for (let left = options.count; left > 0; left -= BURST) {
      while (this.#outstanding >= MAX_OUTSTANDING) {
        await new Promise<void>((resolve) => this.#credited = resolve);
      }
      const length = Math.min(BURST, left);
      this.#outstanding += length;
      const burst = Array.from(
        { length },
        () => this.#send(peer, "bench.note", new Uint8Array(options.bytes)),
      );
      await Promise.all(burst);
    }
  }

  /** Resolves when `count` frames of a flood have come since the last call. */
  async expect(count: number): Promise<void> {
    this.#expected = count;
    if (this.#received < count) await new Promise<void>((resolve) => this.#arrived = resolve);
    this.#received = 0;
    this.#expected = Infinity;
  }

  /** @returns Microseconds of each round trip. */
  ping(peer: NodeId, options: { count: number; bytes: number }): Promise<number[]> {
    return roundTrips(options.count, (answered) => {
      this.#pong = answered;
      void this.#send(peer, "bench.ping", new Uint8Array(options.bytes));
    });
  }

  #send(peer: NodeId, type: string, body: Uint8Array): Promise<void> {
    if (this.#sessions === null) throw new Error("The node is not there yet");
    return this.#sessions.send(peer, { type }, body);
  }
}
