/**
 * Reads the steps in the heads of all frames on the wire, and holds some frames back across the end of their step.
 *
 * @module
 */
import { decodeBase64Url, encodeBase64Url } from "../../crypto/encoding.ts";
import { frameSessionId, MESSAGE_PATH } from "../../protocol/peer_api.ts";
import { checkInvariant } from "./invariant.ts";
import { Postman } from "./postman.ts";
import type { Tamper, WireCall, WireMessage } from "./wire.ts";
import type { World } from "./world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How long old keys last, and how far from that moment a held frame is sent. */
const OLD_STEP_LIFE_MS = 2 * MINUTE_MS;
const MARGIN_MS = 20_000;
/** The first frames of a session confirm it and are let through. */
const FIRST_HELD_COUNTER = 4;
const HOLD_RATE = 0.7;
/** How late an idle direction may show its next step. */
const MAX_TICK_DELAY_MS = 2 * MINUTE_MS;

interface Direction {
  readonly session: string;
  readonly from: string;
  /** When the first frame of each step left. */
  readonly firstSentMs: number[];
  /** Of each step, the counter that nobody is to see before its time, and the request with it. */
  readonly held: Map<number, { readonly counter: number; readonly call: WireCall }>;
  lastSentMs: number;
}

interface Head {
  readonly session: string;
  readonly step: number;
  readonly counter: number;
}

function readHead(frame: Uint8Array<ArrayBuffer>): Head | null {
  const session = frameSessionId(frame);
  if (session === null) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  return {
    session: encodeBase64Url(session),
    step: view.getUint32(17),
    counter: Number(view.getBigUint64(21)),
  };
}

function readPosted(call: WireCall): Uint8Array<ArrayBuffer> | null {
  if (call.path !== MESSAGE_PATH) return null;
  const { data } = JSON.parse(new TextDecoder().decode(call.body));
  const frame = decodeBase64Url(String(data));
  return frame === null ? null : new Uint8Array(frame);
}

export class StepWatch implements Tamper {
  readonly #world: World;
  readonly #postman: Postman;
  readonly #directions = new Map<string, Direction>();
  /** Frames that came after a later step's, and opened. */
  overtaken = 0;
  /** Frames whose step was over for two minutes, and which were refused. */
  refused = 0;

  constructor(world: World) {
    this.#world = world;
    this.#postman = new Postman(world);
  }

  /** Starts watching all there is on the wire. */
  start(): void {
    const { network } = this.#world;
    network.taps.push({ message: (message) => this.#carried(message) });
    network.tampers.push(this);
  }

  #carried({ from, data }: WireMessage): void {
    this.#note(from, data);
  }

  request(call: WireCall): "drop" | null {
    const frame = readPosted(call);
    if (frame === null || this.#postman.isOwn(call)) return null;
    const noted = this.#note(call.from.name, frame);
    if (noted === null) return null;
    const { direction, head, isFirst } = noted;
    const held = direction.held.get(head.step);
    if (held !== undefined) return held.counter === head.counter ? "drop" : null;
    // The first frame of a step is what moves the receiver: without it no key has to go.
    if (isFirst || head.counter < FIRST_HELD_COUNTER) return null;
    if (!this.#world.random.chance(HOLD_RATE)) return null;
    direction.held.set(head.step, { counter: head.counter, call });
    return "drop";
  }

  #note(from: string, frame: Uint8Array<ArrayBuffer>) {
    const head = readHead(frame);
    if (head === null) return null;
    const { nowMs } = this.#world.loop;
    const key = `${head.session} ${from}`;
    const direction: Direction = this.#directions.get(key) ??
      { session: head.session, from, firstSentMs: [], held: new Map(), lastSentMs: nowMs };
    this.#directions.set(key, direction);
    direction.lastSentMs = nowMs;
    const isFirst = direction.firstSentMs[head.step] === undefined;
    direction.firstSentMs[head.step] ??= nowMs;
    if (isFirst && head.step > 0) this.#release(direction, head.step - 1);
    return { direction, head, isFirst };
  }

  /** Sends a step's held frame, half of the time while its key must last, otherwise when it must be gone. */
  #release(direction: Direction, step: number): void {
    const held = direction.held.get(step);
    if (held === undefined) return;
    const { random, loop } = this.#world;
    const isInTime = random.chance(0.5);
    const delayMs = isInTime
      ? random.between(MARGIN_MS, OLD_STEP_LIFE_MS - MARGIN_MS)
      : random.between(OLD_STEP_LIFE_MS + MARGIN_MS, HOUR_MS / 2);
    loop.schedule(delayMs, () => {
      this.#postman.post(held.call, (status) => this.#judge(status, isInTime));
    });
  }

  #judge(status: number, isInTime: boolean): void {
    // 404: the session is over.
    if (status === 404) return;
    const expected = isInTime ? 200 : 403;
    if (status !== expected) {
      const when = isInTime ? "within" : "after";
      this.#world.loop.fail(new Error(`A frame ${when} its step's two minutes: ${status}`));
    }
    if (isInTime) this.overtaken += 1;
    else this.refused += 1;
  }

  /** Checks that each direction of each session moved every hour, whether or not anybody wrote. */
  checkSteps(): void {
    for (const { session, from, firstSentMs, lastSentMs } of this.#directions.values()) {
      for (const [step, sentMs] of firstSentMs.entries()) {
        checkInvariant(sentMs !== undefined, `${from} left out step ${step} of ${session}`);
        const endMs = firstSentMs[step + 1] ?? lastSentMs;
        checkInvariant(
          endMs - sentMs <= HOUR_MS + MAX_TICK_DELAY_MS,
          `${from} stayed in step ${step} of ${session} for ${endMs - sentMs} ms`,
        );
        if (step === 0 || firstSentMs[step + 1] === undefined) continue;
        checkInvariant(endMs - sentMs >= HOUR_MS - MARGIN_MS, `${from} left step ${step} early`);
      }
    }
  }

  /** The latest step of any session. */
  get lastStep(): number {
    return Math.max(...[...this.#directions.values()].map((way) => way.firstSentMs.length - 1));
  }

  get sessions(): number {
    return new Set([...this.#directions.values()].map(({ session }) => session)).size;
  }
}
