import { assert, assertEquals, assertRejects } from "@std/assert";
import { createCoreNode, establishSession } from "../../../bench/two_nodes.ts";
import { MAX_SLOT_CALL_BYTES, SlotCaller, SlotServer } from "../../../crypto/bridge/slot.ts";
import { WorkerCryptoCore } from "../../../crypto/client.ts";
import { encodeUtf8 } from "../../../crypto/encoding.ts";
import { CryptoError, type KeyRef } from "../../../crypto/interface.ts";
import { nextTurn } from "../../world/settle.ts";

const AWAY = 0;
const READY = 1;
const CALLED = 3;
const DONE = 4;
const HEADER = '{"type":"test.thing"}';

/** A caller, and what its Worker would see. */
function createCaller() {
  const caller = new SlotCaller();
  const control = new Int32Array(caller.shared, 0, 16);
  const data = new Uint8Array(caller.shared, 64);
  const answer = (bytes: Uint8Array) => {
    data.set(bytes);
    control[1] = bytes.length;
    control[0] = DONE;
  };
  return { caller, control, data, answer };
}

Deno.test("SlotCaller begins no call while the Worker is away, nor one that is too long", () => {
  const { caller, control, data } = createCaller();
  assertEquals([caller.isReady, caller.begin(new Uint8Array(1))], [false, false]);
  control[0] = READY;
  assertEquals([caller.isReady, caller.begin(new Uint8Array(MAX_SLOT_CALL_BYTES + 1))], [
    true,
    false,
  ]);
  assertEquals(control[0], READY);
  assert(caller.begin(new Uint8Array([1, 2])));
  assertEquals([control[0], control[1], ...data.subarray(0, 2)], [CALLED, 2, 1, 2]);
  assertEquals(caller.begin(new Uint8Array(1)), false, "one at a time");
});

Deno.test("SlotCaller waits a moment only, and takes an answer that comes later; nothing of it stays", () => {
  const { caller, control, data, answer } = createCaller();
  control[0] = READY;
  caller.begin(new Uint8Array([1]));
  assertEquals(caller.wait(), null);
  answer(new Uint8Array([7, 8, 9]));
  assertEquals(caller.answer(), new Uint8Array([7, 8, 9]));
  assertEquals([control[0], data.some((byte) => byte !== 0)], [READY, false]);
});

Deno.test("SlotCaller.post() has the Worker leave: at once, or after the call that it is at", () => {
  const { caller, control, answer } = createCaller();
  const states: number[] = [];
  const post = () => caller.post(() => states.push(control[0]!));
  control[0] = READY;
  post();
  assertEquals([states, control[0], control[2]], [[READY], AWAY, 1]);
  control[0] = READY;
  caller.begin(new Uint8Array([1]));
  post();
  assertEquals([control[0], control[2]], [CALLED, 2]);
  answer(new Uint8Array([2]));
  caller.answer();
  assertEquals(control[0], AWAY);
});

Deno.test("SlotServer does not wait where a message does", () => {
  const { caller, control } = createCaller();
  const server = new SlotServer(caller.shared, () => new Uint8Array());
  caller.post(() => {});
  assertEquals([server.serve(0), control[0]], [false, AWAY]);
});

/** A core in its Worker, with every message that is posted to that and the memory they share. */
async function startWatched() {
  const posted: unknown[] = [];
  const real = Worker.prototype.postMessage;
  const workers = new Set<Worker>();
  Worker.prototype.postMessage = function (this: Worker, ...message: unknown[]) {
    workers.add(this);
    posted.push(message[0]);
    return Reflect.apply(real, this, message);
  } as typeof real;
  const core = await WorkerCryptoCore.start();
  const shared = posted[0] as SharedArrayBuffer;
  const control = new Int32Array(shared, 0, 16);
  const [a, b, directory] = [
    await createCoreNode(core),
    await createCoreNode(core),
    await createCoreNode(core),
  ];
  const { a: own, b: peer } = await establishSession({ a, b, directory });
  return {
    core,
    own: own.session,
    peer: peer.session,
    posted,
    data: new Uint8Array(shared, 64),
    worker: [...workers][0]!,
    /** Resolves once the Worker waits for a call. */
    ready: async () => {
      while (Atomics.load(control, 0) !== READY) await nextTurn();
    },
    seal: (session: KeyRef, body: Uint8Array) =>
      core.seal({ session, nowMs: 0, mayStep: false, header: HEADER, body }),
    async [Symbol.asyncDispose]() {
      await core.stop().catch(() => undefined);
      Worker.prototype.postMessage = real;
    },
  };
}

function counterOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(25);
}

Deno.test("WorkerCryptoCore seals and opens without a message, and leaves nothing in the shared memory", async () => {
  await using watched = await startWatched();
  const { core, own, peer, posted, data, ready, seal } = watched;
  await ready();
  posted.length = 0;
  const body = encodeUtf8("what nobody else may read");
  const { frame } = await seal(own, body);
  const opened = await core.open({ session: peer, nowMs: 0, frame });
  assert(opened.outcome === "opened");
  assertEquals([opened.header, opened.body, posted.length], [HEADER, body, 0]);
  assert(data.every((byte) => byte === 0));
  await nextTurn();
  const error = await assertRejects(() => seal(12_345 as KeyRef, body), CryptoError);
  assertEquals([error.code, posted.length], ["key_unknown", 0]);
  await seal(own, new Uint8Array(20_000));
  assertEquals(posted.length, 1, "what is long goes as a message");
  await ready();
  await nextTurn();
  await Promise.all([1, 2, 3, 4].map(() => seal(own, new Uint8Array(1))));
  assertEquals(posted.length, 2, "all of a turn but the first two share one");
  for (const messages of [3, 3]) {
    await ready();
    await nextTurn();
    await seal(own, new Uint8Array(1));
    assertEquals(
      posted.length,
      messages,
      "the turn after that begins with a message, others do not",
    );
  }
});

Deno.test("WorkerCryptoCore keeps the order of calls, whichever way each goes", async () => {
  await using watched = await startWatched();
  const { core, own, ready, seal } = watched;
  let expected = 0;
  for (let round = 0; round < 20; round++) {
    if (round % 3 === 0) await ready();
    const frames: Promise<number>[] = [];
    for (let index = 0; index < 6; index++) {
      const length = (round + index) % 5 === 0 ? 20_000 : index;
      frames.push(seal(own, new Uint8Array(length)).then(({ frame }) => counterOf(frame)));
      if ((round + index) % 4 === 0) void core.sha256(new Uint8Array(4));
    }
    assertEquals(await Promise.all(frames), frames.map(() => expected++));
  }
  await ready();
  const last = seal(own, new Uint8Array(1));
  const released = core.release(own);
  const late = assertRejects(() => seal(own, new Uint8Array(1)), CryptoError);
  await Promise.all([last, released]);
  assertEquals((await late).code, "key_unknown");
});

Deno.test("A Worker that dies beside its slot takes every call with it", async () => {
  await using watched = await startWatched();
  const { core, own, worker, ready, seal } = watched;
  await ready();
  worker.postMessage("no message of a client");
  const call = assertRejects(() => core.sha256(new Uint8Array(4)), CryptoError);
  assertEquals((await call).code, "core_failed");
  const error = await assertRejects(() => seal(own, new Uint8Array(1)), CryptoError);
  assertEquals(error.code, "core_failed");
});

Deno.test("SlotServer gives its event loop a turn while nobody calls", () => {
  const { caller, control } = createCaller();
  const server = new SlotServer(caller.shared, (call) => call);
  assertEquals([server.serve(0), control[0]], [true, AWAY]);
});
