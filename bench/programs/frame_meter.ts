/**
 * A module that sends and counts frames nobody acknowledges.
 *
 * @module
 */
import type {
  FrameHandler,
  ModuleContext,
  NodeId,
  OpenRedModule,
  PeerFrame,
} from "../../modules/api.ts";
import { moduleOf } from "../../tests/world/test_module.ts";
import { roundTrips } from "./round_trips.ts";

const TYPES = ["note", "credit", "ping", "pong"] as const;

/** The receiver says after so many that it has them. */
const CREDIT = 1_024;
/** Frames that nobody has said to have yet: a channel drops what finds no room. */
const MAX_OUTSTANDING = 4 * CREDIT;

/** Sends, answers and counts the frames `bench.note`, `bench.credit`, `bench.ping` and `bench.pong`. */
export class FrameMeter implements FrameHandler {
  #context: ModuleContext | null = null;
  #received = 0;
  #expected = Infinity;
  #arrived: () => void = () => {};
  #pong: () => void = () => {};
  #outstanding = 0;
  #credited: () => void = () => {};

  /** The module of a node that this meter measures. */
  module(): OpenRedModule {
    const frames = TYPES.map((type) => ({ type }));
    return {
      ...moduleOf({ name: "bench", frames }, this),
      start: (context) => {
        this.#context = context;
        return Promise.resolve();
      },
    };
  }

  receive({ peer, type, body }: PeerFrame): Promise<boolean> {
    if (type === "bench.ping") this.#send(peer, "pong", body.slice());
    else if (type === "bench.pong") this.#pong();
    else if (type === "bench.credit") this.#takeCredit();
    else this.#takeNote(peer);
    return Promise.resolve(false);
  }

  #takeNote(peer: NodeId): void {
    this.#received += 1;
    if (this.#received % CREDIT === 0) this.#send(peer, "credit", new Uint8Array());
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
    for (let left = options.count; left > 0; left -= 1) {
      while (this.#outstanding >= MAX_OUTSTANDING) {
        await new Promise<void>((resolve) => this.#credited = resolve);
      }
      this.#outstanding += 1;
      this.#send(peer, "note", new Uint8Array(options.bytes));
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
      this.#send(peer, "ping", new Uint8Array(options.bytes));
    });
  }

  #send(peer: NodeId, type: (typeof TYPES)[number], body: Uint8Array): void {
    if (this.#context === null) throw new Error("The node is not there yet");
    this.#context.send({ peer, type, body });
  }
}
