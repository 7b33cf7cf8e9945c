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
import { ANSWER, WORKER_READY } from "./bridge/worker_messages.ts";

/** Collects results, which then are posted together. */
class Outbox {
  readonly #writer: PackWriter;

  /** @param expectedBytes About how long the message will be. */
  constructor(kind: typeof ANSWER[keyof typeof ANSWER], expectedBytes: number) {
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

function runCalls(core: LocalCryptoCore, message: PostedMessage): void {
  const posted = takePosted(message);
  const outbox = new Outbox(ANSWER.now, posted.packed.byteLength);
  const reader = new PackReader(posted, { copies: false });
  while (!reader.atEnd) {
    const id = reader.readUint32();
    const name = CALL_NAMES[reader.readByte()];
    const argument = reader.readValue();
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
  const outbox = new Outbox(ANSWER.later, 0);
  try {
    outbox.writeResult(id, await result);
  } catch (error) {
    outbox.writeError(id, error);
  }
  // An opened secret is one of these results.
  outbox.post({ isSecret: true });
}

async function serve(): Promise<void> {
  const core = await LocalCryptoCore.create();
  self.onmessage = (event: MessageEvent<PostedMessage>) => runCalls(core, event.data);
  self.postMessage(WORKER_READY);
}

await serve();
