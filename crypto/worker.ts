/**
 * The Worker that holds the core: started with no permissions, it reads packed calls, runs them in
 * their order and packs the results.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { CALL_NAMES } from "./calls.ts";
import { toCryptoError } from "./checks.ts";
import { type PostedMessage, postPacked, takePosted } from "./codec.ts";
import { PackReader } from "./pack_reader.ts";
import { PackWriter } from "./pack_writer.ts";
import { LocalCryptoCore } from "./core.ts";
import { CryptoError } from "./interface.ts";
import { WORKER_READY } from "./worker_messages.ts";

/** Collects results and posts them together. */
class Outbox {
  #writer: PackWriter | null = null;
  #lastBytes = 0;

  writeResult(id: number, value: unknown): void {
    this.#write(id, { status: 1, value });
  }

  writeError(id: number, error: unknown): void {
    const { code, message } = toCryptoError(error);
    this.#write(id, { status: 0, value: [code, message] });
  }

  flush(): void {
    const writer = this.#writer;
    this.#writer = null;
    if (writer === null) return;
    this.#lastBytes = Math.min(writer.length, 2 ** 16);
    postPacked(self, writer.finish(), { isSecret: false });
  }

  #write(id: number, result: { status: number; value: unknown }): void {
    this.#writer ??= new PackWriter(this.#lastBytes);
    this.#writer.writeUint32(id);
    this.#writer.writeByte(result.status);
    this.#writer.writeValue(result.value, { transfer: true });
  }
}

function runCalls(core: LocalCryptoCore, outbox: Outbox, message: PostedMessage): void {
  const reader = new PackReader(takePosted(message), { copies: false });
  while (!reader.atEnd) {
    const id = reader.readUint32();
    const name = CALL_NAMES[reader.readByte()];
    const argument = reader.readValue();
    try {
      if (name === undefined) throw new CryptoError("bad_argument", "There is no such call");
      const result = core.run(name, argument as never);
      if (result instanceof Promise) void answerLater(outbox, id, result);
      else outbox.writeResult(id, result);
    } catch (error) {
      outbox.writeError(id, error);
    }
  }
  outbox.flush();
}

async function answerLater(outbox: Outbox, id: number, result: Promise<unknown>): Promise<void> {
  try {
    outbox.writeResult(id, await result);
  } catch (error) {
    outbox.writeError(id, error);
  }
  outbox.flush();
}

async function serve(): Promise<void> {
  const core = await LocalCryptoCore.create();
  const outbox = new Outbox();
  self.onmessage = (event: MessageEvent<PostedMessage>) => runCalls(core, outbox, event.data);
  self.postMessage(WORKER_READY);
}

await serve();
