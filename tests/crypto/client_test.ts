import { assertEquals, assertRejects } from "@std/assert";
import { WorkerCryptoCore } from "../../crypto/client.ts";
import { CryptoError, type KeyRef } from "../../crypto/interface.ts";
import { PackWriter } from "../../crypto/bridge/pack_writer.ts";
import { REPORT, WORKER_READY } from "../../crypto/bridge/worker_messages.ts";
import { StartedWorker } from "../../crypto/worker_start.ts";
import { nextTurn } from "../world/settle.ts";

/** A Worker that computes nothing and answers when it is told to. */
class SilentWorker {
  onmessage: ((event: MessageEvent) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  readonly posted: unknown[] = [];

  postMessage(message: unknown): void {
    this.posted.push(message);
  }

  say(data: unknown): void {
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  /** Tells that all calls of one message have begun. */
  acknowledge(): void {
    this.say(Uint8Array.of(REPORT.begun).buffer);
  }

  terminate(): void {}
}

async function startSilent(): Promise<{ worker: SilentWorker; core: WorkerCryptoCore }> {
  const worker = new SilentWorker();
  const attached = WorkerCryptoCore.attach(worker as unknown as Worker);
  worker.say(WORKER_READY);
  return { worker, core: await attached };
}

Deno.test("WorkerCryptoCore is not made of a Worker that failed before it was taken over", async () => {
  const worker = new SilentWorker();
  const started = new StartedWorker(worker as unknown as Worker);
  worker.say(WORKER_READY);
  await started.ready();
  worker.onerror!(new ErrorEvent("error", { message: "dies" }));
  const error = await assertRejects(() => WorkerCryptoCore.start(started), CryptoError);
  assertEquals(error.code, "core_failed");
});

Deno.test("WorkerCryptoCore posts the calls of one turn as one message", async () => {
  const { worker, core } = await startSilent();
  for (let i = 0; i < 10; i++) void core.sha256(new Uint8Array(4));
  assertEquals(worker.posted.length, 0);
  await nextTurn();
  assertEquals(worker.posted.length, 1);
});

Deno.test("WorkerCryptoCore posts large calls at once, and still no more than two messages", async () => {
  const { worker, core } = await startSilent();
  const sealed = "A".repeat(2 ** 16);
  for (let posted = 1; posted <= 3; posted++) {
    void core.openLines({ vault: 1 as KeyRef, lines: [{ name: "x", sealed }] });
    assertEquals(worker.posted.length, Math.min(posted, 2));
  }
  worker.acknowledge();
  await nextTurn();
  assertEquals(worker.posted.length, 3);
});

Deno.test("WorkerCryptoCore gathers calls while two messages are under way", async () => {
  const { worker, core } = await startSilent();
  for (let turn = 0; turn < 5; turn++) {
    void core.sha256(new Uint8Array(4));
    await nextTurn();
  }
  assertEquals(worker.posted.length, 2);
  worker.acknowledge();
  await nextTurn();
  assertEquals(worker.posted.length, 3);
  worker.acknowledge();
  worker.acknowledge();
  await nextTurn();
  assertEquals(worker.posted.length, 3);
});

Deno.test("WorkerCryptoCore transfers a message with a secret and copies any other small one", async () => {
  const { worker, core } = await startSilent();
  void core.sha256(new Uint8Array(4));
  await nextTurn();
  void core.openKeystore({ sealed: new Uint8Array(4), secret: new Uint8Array(4) });
  await nextTurn();
  assertEquals(worker.posted.map((message) => message instanceof ArrayBuffer), [true, false]);
});

Deno.test("WorkerCryptoCore wipes the answer that an opened secret came in", async () => {
  const { worker, core } = await startSilent();
  const opening = core.openSecret({ sealed: new Uint8Array(92), passphrase: new Uint8Array(8) });
  await nextTurn();
  const writer = new PackWriter(0);
  writer.writeByte(REPORT.later);
  writer.writeUint32(1);
  writer.writeByte(1);
  writer.writeValue(new Uint8Array(32).fill(7), { transfer: true });
  const { packed } = writer.finish();
  worker.say(packed);
  assertEquals(await opening, new Uint8Array(32).fill(7));
  assertEquals(new Uint8Array(packed), new Uint8Array(packed.byteLength));
});
