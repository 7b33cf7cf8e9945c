/**
 * One call at a time through memory that the core's client and its Worker share: a small call that is answered at once
 * takes a fifth of what a message and its answer take. Whenever the Worker is at something else, or messages are under
 * way, calls go as messages; so calls keep their order.
 *
 * @module
 */

/** The longest call. Its answer has room to be somewhat longer. */
export const MAX_SLOT_CALL_BYTES = 12 * 1024;
const DATA_BYTES = 16 * 1024;
const CONTROL_BYTES = 64;

/** Where each number of the control part stands. `posted`: how many messages the client has posted. */
const AT = { state: 0, length: 1, posted: 2 } as const;

/**
 * Whose turn it is. `away`: the Worker looks for messages. `ready`: it waits for a call here. `taken`: the client writes
 * one. `called`: the Worker does it. `done`: the answer lies there. The Worker makes `ready` of `away` and `done` of
 * `called`, and `away` of `ready` where a message came in between; the client makes all the others.
 */
const STATE = { away: 0, ready: 1, taken: 2, called: 3, done: 4 } as const;

/** Looks at the state before the client's thread sleeps: about as long as most calls take. */
const SPINS = 2_000;
/** How long the client's thread sleeps at most. */
const MAX_SLEEP_MS = 1;
/** How long the Worker waits here before its event loop has a turn: for timers, and for an end that it comes to by itself. */
const LOOP_TURN_MS = 500;

class SlotMemory {
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly data: Uint8Array<SharedArrayBuffer>;

  constructor(readonly shared: SharedArrayBuffer) {
    this.control = new Int32Array(shared, 0, CONTROL_BYTES / 4);
    this.data = new Uint8Array(shared, CONTROL_BYTES);
  }

  get state(): number {
    return Atomics.load(this.control, AT.state);
  }

  /** Changes the state and wakes whoever waits for that. */
  turn(state: number): void {
    Atomics.store(this.control, AT.state, state);
    Atomics.notify(this.control, AT.state);
  }

  /** @returns Whether the state was `from`. */
  turnFrom(from: number, to: number): boolean {
    return Atomics.compareExchange(this.control, AT.state, from, to) === from;
  }

  write(bytes: Uint8Array): void {
    this.data.set(bytes);
    Atomics.store(this.control, AT.length, bytes.length);
  }

  /** Moves what was written to `target`: nothing of it stays. @returns How much it was. */
  move(target: (length: number) => Uint8Array): number {
    const length = Atomics.load(this.control, AT.length);
    target(length).set(this.data.subarray(0, length));
    this.data.fill(0, 0, length);
    return length;
  }
}

/** The client's end. */
export class SlotCaller {
  readonly #memory = new SlotMemory(new SharedArrayBuffer(CONTROL_BYTES + DATA_BYTES));
  /** Whether a message was posted while a call was under way here. */
  #mustLeave = false;

  /** To be given to the Worker, and to nobody else. */
  get shared(): SharedArrayBuffer {
    return this.#memory.shared;
  }

  /** Whether the Worker waits for a call here. */
  get isReady(): boolean {
    return this.#memory.state === STATE.ready;
  }

  /** @returns Whether the Worker does the call now; otherwise nothing was written. */
  begin(call: Uint8Array): boolean {
    const memory = this.#memory;
    if (call.length > MAX_SLOT_CALL_BYTES) return false;
    if (!memory.turnFrom(STATE.ready, STATE.taken)) return false;
    memory.write(call);
    memory.turn(STATE.called);
    return true;
  }

  /** Waits for the answer, a millisecond or a little longer. @returns `null` where it is not there by then. */
  wait(): Uint8Array<ArrayBuffer> | null {
    const memory = this.#memory;
    for (let left = SPINS; left > 0; left--) {
      if (memory.state === STATE.done) return this.answer();
    }
    Atomics.wait(memory.control, AT.state, STATE.called, MAX_SLEEP_MS);
    return this.answer();
  }

  /** The answer, if it is there. */
  answer(): Uint8Array<ArrayBuffer> | null {
    const memory = this.#memory;
    if (memory.state !== STATE.done) return null;
    let answer = new Uint8Array();
    memory.move((length) => answer = new Uint8Array(length));
    if (this.#mustLeave) memory.turn(STATE.away);
    else Atomics.store(memory.control, AT.state, STATE.ready);
    this.#mustLeave = false;
    return answer;
  }

  /** Posts a message: the Worker leaves the slot to read it. */
  post(send: () => void): void {
    const memory = this.#memory;
    Atomics.add(memory.control, AT.posted, 1);
    send();
    if (memory.turnFrom(STATE.ready, STATE.away)) Atomics.notify(memory.control, AT.state);
    else this.#mustLeave = memory.state !== STATE.away;
  }
}

/** The Worker's end. */
export class SlotServer {
  readonly #memory: SlotMemory;
  readonly #run: (call: Uint8Array<ArrayBuffer>) => Uint8Array;
  readonly #call = new Uint8Array(DATA_BYTES);

  /** @param run Does a call, which is wiped afterwards, as its answer is. */
  constructor(shared: SharedArrayBuffer, run: (call: Uint8Array<ArrayBuffer>) => Uint8Array) {
    this.#memory = new SlotMemory(shared);
    this.#run = run;
  }

  /**
   * Does calls until a message waits, or the event loop is due for a turn.
   * @param handled How many messages were read so far.
   * @returns Whether no message waits: then it is to be called again.
   */
  serve(handled: number): boolean {
    const memory = this.#memory;
    const { control } = memory;
    const hasMessage = () => Atomics.load(control, AT.posted) !== (handled | 0);
    if (hasMessage() || !memory.turnFrom(STATE.away, STATE.ready)) return false;
    for (;;) {
      const { state } = memory;
      if (state === STATE.called) this.#answer();
      else if (state === STATE.away) return !hasMessage();
      // A message that was posted before the client could see that this end waits.
      else if (state === STATE.ready && hasMessage()) memory.turnFrom(STATE.ready, STATE.away);
      else if (Atomics.wait(control, AT.state, state, LOOP_TURN_MS) === "timed-out") {
        memory.turnFrom(STATE.ready, STATE.away);
      }
    }
  }

  #answer(): void {
    const memory = this.#memory;
    const length = memory.move(() => this.#call);
    const answer = this.#run(this.#call);
    memory.write(answer);
    this.#call.fill(0, 0, length);
    answer.fill(0);
    memory.turn(STATE.done);
  }
}
