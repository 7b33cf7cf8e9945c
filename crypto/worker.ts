/**
 * The Worker that holds the core: started with no permissions, it reads packed calls, runs them in
 * their order and packs the results.
 *
 * @module
 */
/// <reference lib="deno.worker" />
// First, so that it runs before any other code of this Worker.
import "./worker_guard.ts";
import { CALL_NAMES } from "./bridge/calls.ts";
import { toCryptoError } from "./primitives/checks.ts";
import { type PostedMessage, postPacked, takePosted } from "./bridge/codec.ts";
import { PackReader } from "./bridge/pack_reader.ts";
import { PackWriter } from "./bridge/pack_writer.ts";
import { LocalCryptoCore } from "./core.ts";
import { CryptoError } from "./interface.ts";
import type { PermutationRequest } from "./primitives/permutations.ts";
import { PERMUTED_CALL, REPORT, WORKER_READY } from "./bridge/worker_messages.ts";
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

function runCalls(parts: { core: LocalCryptoCore; wanted: WantedBlocks }, message: PostedMessage) {
  const { core, wanted } = parts;
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
      if (result instanceof Promise) void answerLater(id, result);
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
  const core = await LocalCryptoCore.create({
    permute: (request) => wanted.ask(request),
    onGarbage: collectGarbage,
  });
  const parts = { core, wanted };
  self.onmessage = (event: MessageEvent<PostedMessage>) => runCalls(parts, event.data);
  self.postMessage(WORKER_READY);
}

await serve();
