/**
 * The crypto core behind a Worker that may do nothing but compute. A lone call costs a thread
 * wake-up; all calls of one turn of the event loop share one.
 *
 * @module
 */
import process from "node:process";
import {
  CALL_NAMES,
  type CallArgument,
  type CallName,
  type CallResult,
  MOVING_CALLS,
  SLOT_CALLS,
  wipeSecrets,
} from "./bridge/calls.ts";
import { CallingCore } from "./bridge/calling_core.ts";
import { type PackedMessage, type PostedMessage, postPacked, takePosted } from "./bridge/codec.ts";
import type { PermutationRequest } from "./primitives/permutations.ts";
import { PackReader } from "./bridge/pack_reader.ts";
import { PackWriter } from "./bridge/pack_writer.ts";
import { MAX_SLOT_CALL_BYTES, SlotCaller } from "./bridge/slot.ts";
import { CryptoError, type CryptoErrorCode } from "./interface.ts";
import { PERMUTED_CALL, REPORT } from "./bridge/worker_messages.ts";
import { startCryptoWorker, StartedWorker } from "./worker_start.ts";

/**
 * Messages on their way at a time. Calls that come meanwhile wait and share the next one: the Worker could not begin
 * them earlier, and every message costs as much as ten calls. The second one keeps it busy while the first is answered.
 */
const MAX_UNDER_WAY = 2;

/** What is as large as this does not wait for more: the Worker begins while the next part is written. */
const LARGE_BYTES = 2 ** 16;

/**
 * Small calls of one turn that do not go as a message: whoever answers a frame opens one and seals one. After a turn with
 * more of them the next one begins with a message as well: each call in the slot waits for the Worker by itself.
 */
const MAX_SLOT_CALLS = 2;

/** How often the answer to a small call is looked for that did not come at once. */
const LATE_MS = 2;

const CALL_NUMBERS: ReadonlyMap<CallName, number> = new Map(
  CALL_NAMES.map((name, number) => [name, number]),
);

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: CryptoError): void;
}

/** The client of a core in a Worker started with no permissions at all. */
export class WorkerCryptoCore extends CallingCore {
  readonly #worker: Worker;
  /** `null` where the Worker was not given its end. */
  #slot: SlotCaller | null = null;
  /** How many small calls there were in this turn of the event loop. */
  #smallCalls = 0;
  /** Whether there were many in the turn before. */
  #isBurst = false;
  readonly #endTurn = () => {
    this.#isBurst = this.#smallCalls > MAX_SLOT_CALLS;
    this.#smallCalls = 0;
  };
  readonly #waiting = new Map<number, PendingCall>();
  readonly #flushSoon = () => this.#flush();
  #writer: PackWriter | null = null;
  #nextId = 0;
  #lastBytes = 0;
  #holdsSecret = false;
  #underWay = 0;
  #failure: CryptoError | null = null;
  #isStopping = false;
  readonly #ended = Promise.withResolvers<CryptoError>();

  private constructor(worker: Worker) {
    super();
    this.#worker = worker;
    worker.onmessage = (event: MessageEvent<PostedMessage>) => this.#receive(event.data);
    worker.onmessageerror = () => this.#fail("The crypto worker sent a broken message");
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail("The crypto worker failed");
    };
  }

  /**
   * Waits until the Worker is ready.
   * @param started The Worker, if it was started before.
   * @throws {CryptoError} `core_failed` if it does not start.
   */
  static async start(started: StartedWorker = startCryptoWorker()): Promise<WorkerCryptoCore> {
    await started.ready();
    const core = new WorkerCryptoCore(started.worker);
    core.#share();
    return core;
  }

  /** Gives the Worker its end of a slot for small calls. */
  #share(): void {
    this.#slot = new SlotCaller();
    this.#worker.postMessage(this.#slot.shared);
  }

  /**
   * Takes over a Worker that has just been started and waits until it is ready.
   * @throws {CryptoError} `core_failed` if it does not start.
   */
  static async attach(worker: Worker): Promise<WorkerCryptoCore> {
    await new StartedWorker(worker).ready();
    return new WorkerCryptoCore(worker);
  }

  /** Resolves with the reason when the Worker has failed and this core can do nothing any more; not at a stop. */
  get ended(): Promise<CryptoError> {
    return this.#ended.promise;
  }

  /** Calls that wait for their results. */
  get waitingCalls(): number {
    return this.#waiting.size;
  }

  override async stop(): Promise<void> {
    this.#isStopping = true;
    try {
      await this.call("stop", undefined);
    } finally {
      this.#fail("The crypto core was stopped");
    }
  }

  protected override call<N extends CallName>(
    name: N,
    argument: CallArgument<N>,
  ): Promise<CallResult<N>> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      const pending = { resolve: resolve as (value: unknown) => void, reject };
      if (SLOT_CALLS.has(name) && this.#callInSlot(pending, { name, argument })) return;
      this.#nextId = (this.#nextId + 1) % 2 ** 32;
      try {
        this.#write(this.#nextId, name, argument);
      } catch (cause) {
        return reject(
          new CryptoError("bad_argument", "Expected plain data as argument", { cause }),
        );
      }
      this.#waiting.set(this.#nextId, pending);
    });
  }

  /** @returns Whether the call was done at once, or is being done; otherwise it has to go as a message. */
  #callInSlot(pending: PendingCall, { name, argument }: { name: CallName; argument: unknown }) {
    const slot = this.#slot;
    if (this.#smallCalls === 0) process.nextTick(this.#endTurn);
    this.#smallCalls += 1;
    // What is under way comes first, and where a turn has more calls they share a message.
    if (slot === null || this.#waiting.size > 0 || this.#writer !== null) return false;
    if (this.#isBurst || this.#smallCalls > MAX_SLOT_CALLS) return false;
    if (!slot.isReady || longestOf(argument) > MAX_SLOT_CALL_BYTES) return false;
    const writer = new PackWriter();
    try {
      writer.writeByte(CALL_NUMBERS.get(name)!);
      writer.writeValue(argument, { transfer: false });
    } catch {
      // It is written and refused once more, as a message.
      return false;
    }
    const { packed, attachments } = writer.finish();
    const call = new Uint8Array(packed);
    const isBegun = attachments.length === 0 && slot.begin(call);
    call.fill(0);
    if (!isBegun) return false;
    const answer = slot.wait();
    if (answer !== null) settle(pending, new PackReader(packedOf(answer), { copies: true }));
    else this.#awaitSlot(slot, pending);
    return true;
  }

  /** Looks again and again for an answer that takes its time. Whoever calls meanwhile comes after it. */
  #awaitSlot(slot: SlotCaller, pending: PendingCall): void {
    this.#nextId = (this.#nextId + 1) % 2 ** 32;
    const id = this.#nextId;
    this.#waiting.set(id, pending);
    const look = () => {
      if (this.#waiting.get(id) !== pending) return;
      const answer = slot.answer();
      if (answer === null) return void setTimeout(look, LATE_MS);
      this.#waiting.delete(id);
      settle(pending, new PackReader(packedOf(answer), { copies: true }));
    };
    setTimeout(look, LATE_MS);
  }

  #write(id: number, name: CallName, argument: unknown): void {
    const writer = this.#begun();
    const start = writer.length;
    try {
      writer.writeUint32(id);
      writer.writeByte(CALL_NUMBERS.get(name)!);
      writer.writeValue(argument, { transfer: MOVING_CALLS.has(name) });
    } catch (error) {
      writer.truncate(start);
      throw error;
    } finally {
      if (wipeSecrets(name, argument)) this.#holdsSecret = true;
    }
    if (writer.length >= LARGE_BYTES) this.#flush();
  }

  /** What is to go over with the next message. */
  #begun(): PackWriter {
    if (this.#writer === null) {
      this.#writer = new PackWriter(this.#lastBytes);
      this.#scheduleFlush();
    }
    return this.#writer;
  }

  /** Has a block permuted that the Worker asks for, and tells it. */
  async #permute(id: number, request: PermutationRequest): Promise<void> {
    const block = await this.methods.permute(request);
    if (this.#failure !== null) return;
    const writer = this.#begun();
    writer.writeUint32(id);
    writer.writeByte(PERMUTED_CALL);
    writer.writeValue(block, { transfer: false });
  }

  /** Flushes when the promise jobs of this turn are done, so that their calls share the message. */
  #scheduleFlush(): void {
    process.nextTick(this.#flushSoon);
  }

  #flush(): void {
    if (this.#underWay >= MAX_UNDER_WAY) return;
    const writer = this.#writer;
    this.#writer = null;
    if (writer === null || this.#failure !== null || writer.length === 0) return;
    this.#lastBytes = Math.min(writer.length, 2 ** 16);
    const isSecret = this.#holdsSecret;
    this.#holdsSecret = false;
    this.#underWay += 1;
    try {
      const post = () => postPacked(this.#worker, writer.finish(), { isSecret });
      if (this.#slot === null) post();
      else this.#slot.post(post);
    } catch {
      // Nobody else can catch it here, and the calls of this message would wait for ever.
      this.#fail("The crypto worker could not be sent its calls");
    }
  }

  #receive(message: PostedMessage): void {
    const posted = takePosted(message);
    const reader = new PackReader(posted, { copies: true });
    const kind = reader.readByte();
    if (kind === REPORT.permute) {
      return void this.#permute(reader.readUint32(), reader.readValue() as PermutationRequest);
    }
    if (kind === REPORT.begun) {
      this.#underWay -= 1;
      if (this.#writer !== null) this.#scheduleFlush();
    }
    while (!reader.atEnd) {
      const id = reader.readUint32();
      const waiting = this.#waiting.get(id) ?? null;
      this.#waiting.delete(id);
      settle(waiting, reader);
    }
    // A secret that was opened comes in an answer of this kind, and whoever waited has a copy now.
    if (kind === REPORT.later) new Uint8Array(posted.packed).fill(0);
  }

  #fail(reason: string): void {
    if (this.#failure !== null) return;
    this.#failure = new CryptoError("core_failed", reason);
    if (!this.#isStopping) this.#ended.resolve(this.#failure);
    this.#worker.terminate();
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
    this.#writer = null;
  }
}

/** Reads a result, and tells it to whoever waits for it. */
function settle(pending: PendingCall | null, reader: PackReader): void {
  const succeeded = reader.readByte() === 1;
  const value = reader.readValue();
  if (succeeded) return pending?.resolve(value);
  const [code, text] = value as [CryptoErrorCode, string];
  pending?.reject(new CryptoError(code, text));
}

function packedOf(bytes: Uint8Array<ArrayBuffer>): PackedMessage {
  return { packed: bytes.buffer, attachments: [] };
}

/** How long a call is at least: those that are too long are not packed in vain. */
function longestOf(argument: unknown): number {
  const { frame, body, padding = 0 } = (argument ?? {}) as {
    frame?: Uint8Array;
    body?: Uint8Array;
    padding?: number;
  };
  return (frame?.length ?? body?.length ?? 0) + padding;
}
