/**
 * The Worker that holds the core: started with no permissions, it reads packed calls, runs them in
 * their order and packs the results.
 *
 * @module
 */
/// <reference lib="deno.worker" />
// First, so that it runs before any other code of this Worker.
import "./worker_guard.ts";
import { setImmediate } from "node:timers";
import { CALL_NAMES, SLOT_CALLS } from "./bridge/calls.ts";
import { toCryptoError } from "./primitives/checks.ts";
import { type PostedMessage, postPacked, takePosted } from "./bridge/codec.ts";
import { PackReader } from "./bridge/pack_reader.ts";
import { PackWriter } from "./bridge/pack_writer.ts";
import { LocalCryptoCore } from "./core.ts";
import { CryptoError } from "./interface.ts";
import type { PermutationRequest } from "./primitives/permutations.ts";
import { PERMUTED_CALL, REPORT, WORKER_READY } from "./bridge/worker_messages.ts";
import { SlotServer } from "./bridge/slot.ts";
import { collectGarbage } from "./worker_garbage.ts";

/** Collects results, which then are posted together. */
class Outbox {
  readonly #writer: PackWriter;

  /** @param expectedBytes About how long the message will be. */
  constructor(kind: typeof REPORT[keyof typeof REPORT], expectedBytes: number) {
    this.#writer = new PackWriter(expectedBytes);
    this.#writer.writeByte(kind);
  }

  writeResult(id: number, value: unknown): void {
    this.#write(id, { status: 1, value });
  }

  writeError(id: number, error: unknown): void {
    const { code, message } = toCryptoError(error);
    this.#write(id, { status: 0, value: [code, message] });
  }

  /** @param options With `isSecret` no copy stays behind. */
  post(options: { readonly isSecret: boolean }): void {
    postPacked(self, this.#writer.finish(), options);
  }

  #write(id: number, result: { status: number; value: unknown }): void {
    this.#writer.writeUint32(id);
    this.#writer.writeByte(result.status);
    this.#writer.writeValue(result.value, { transfer: true });
  }
}

/** The blocks of modules' methods that this core waits for. */
class WantedBlocks {
  readonly #waiting = new Map<number, (block: Uint8Array | null) => void>();
  #lastId = 0;

  ask(request: PermutationRequest): Promise<Uint8Array | null> {
    this.#lastId = (this.#lastId + 1) % 2 ** 32;
    const id = this.#lastId;
    const writer = new PackWriter(0);
    writer.writeByte(REPORT.permute);
    writer.writeUint32(id);
    writer.writeValue(request, { transfer: false });
    postPacked(self, writer.finish(), { isSecret: false });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** @param block Copied. */
  settle(id: number, block: Uint8Array | null): void {
    this.#waiting.get(id)?.(block?.slice() ?? null);
    this.#waiting.delete(id);
  }
}

/** What a Worker is made of. */
interface Parts {
  readonly core: LocalCryptoCore;
  readonly wanted: WantedBlocks;
  readonly desk: SlotDesk;
}

/** Does the calls of the slot while no message waits, and nothing is under way that needs the event loop. */
class SlotDesk {
  #server: SlotServer | null = null;
  #handled = 0;
  #underWay = 0;
  #isDue = false;

  open(shared: SharedArrayBuffer, core: LocalCryptoCore): void {
    this.#server = new SlotServer(shared, (call) => runInSlot(core, call));
    this.#goSoon();
  }

  /** Counts a message that was read. */
  handled(): void {
    this.#handled += 1;
    this.#goSoon();
  }

  /** Stays away from the slot while work goes on. */
  during(work: Promise<unknown>): void {
    this.#underWay += 1;
    const end = () => {
      this.#underWay -= 1;
      this.#goSoon();
    };
    work.then(end, end);
  }

  /** In the next turn: promise jobs come first. */
  #goSoon(): void {
    if (this.#server === null || this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#underWay > 0) return;
      if (this.#server!.serve(this.#handled)) this.#goSoon();
    });
  }
}

/** Does one call, and packs its result or what it throws. */
function runInSlot(core: LocalCryptoCore, call: Uint8Array<ArrayBuffer>): Uint8Array {
  const writer = new PackWriter(call.length);
  try {
    const reader = new PackReader({ packed: call.buffer, attachments: [] }, { copies: false });
    const name = CALL_NAMES[reader.readByte()];
    if (name === undefined || !SLOT_CALLS.has(name)) {
      throw new CryptoError("bad_argument", "There is no such call");
    }
    const result = core.run(name, reader.readValue() as never);
    writer.writeByte(1);
    writer.writeValue(result, { transfer: false });
  } catch (error) {
    const { code, message } = toCryptoError(error);
    writer.truncate(0);
    writer.writeByte(0);
    writer.writeValue([code, message], { transfer: false });
  }
  return new Uint8Array(writer.finish().packed);
}

function runCalls(parts: Parts, message: PostedMessage): void {
  const { core, wanted, desk } = parts;
  const posted = takePosted(message);
  const outbox = new Outbox(REPORT.begun, posted.packed.byteLength);
  const reader = new PackReader(posted, { copies: false });
  while (!reader.atEnd) {
    const id = reader.readUint32();
    const number = reader.readByte();
    const argument = reader.readValue();
    if (number === PERMUTED_CALL) {
      wanted.settle(id, argument as Uint8Array | null);
      continue;
    }
    const name = CALL_NAMES[number];
    try {
      if (name === undefined) throw new CryptoError("bad_argument", "There is no such call");
      const result = core.run(name, argument as never);
      if (result instanceof Promise) desk.during(answerLater(id, result));
      else outbox.writeResult(id, result);
    } catch (error) {
      outbox.writeError(id, error);
    }
  }
  outbox.post({ isSecret: false });
}

async function answerLater(id: number, result: Promise<unknown>): Promise<void> {
  const outbox = new Outbox(REPORT.later, 0);
  try {
    outbox.writeResult(id, await result);
  } catch (error) {
    outbox.writeError(id, error);
  }
  // An opened secret is one of these results.
  outbox.post({ isSecret: true });
}

async function serve(): Promise<void> {
  const wanted = new WantedBlocks();
  const desk = new SlotDesk();
  const core = await LocalCryptoCore.create({
    permute: (request) => wanted.ask(request),
    onGarbage: () => desk.during(collectGarbage()),
  });
  self.onmessage = ({ data }: MessageEvent<PostedMessage | SharedArrayBuffer>) => {
    if (data instanceof SharedArrayBuffer) return desk.open(data, core);
    runCalls({ core, wanted, desk }, data);
    desk.handled();
  };
  self.postMessage(WORKER_READY);
}

await serve();
