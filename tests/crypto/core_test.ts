import { assert, assertEquals, assertRejects } from "@std/assert";
import { WorkerCryptoCore } from "../../crypto/client.ts";
import type { LocalCryptoCore } from "../../crypto/core.ts";
import { Hashes } from "../../crypto/primitives/hashes.ts";
import { CryptoError } from "../../crypto/interface.ts";
import { CoreWorld } from "../contract/crypto_core_world.ts";
import { createSeededCore } from "../world/cores.ts";
import { nextTurn } from "../world/settle.ts";

/** A seeded core that does not wait for Argon2id either. */
async function createPromptCore(seed: string): Promise<LocalCryptoCore> {
  const hashes = await Hashes.create();
  return await createSeededCore(seed, {
    stretch: ({ secret, salt }) => Promise.resolve(hashes.sha256(secret, salt)),
  });
}

async function runHandshake(core: LocalCryptoCore): Promise<string> {
  const world = await CoreWorld.create(core);
  const { a, b } = await world.halves();
  const { started, accepted } = await world.connect({ a: a.half, b: b.half });
  return [started.sessionId, started.binding, accepted.noise].join();
}

Deno.test("a seeded core gives the same handshake for the same seed", async () => {
  const [first, second, other] = await Promise.all(
    ["a", "a", "b"].map(async (seed) => runHandshake(await createPromptCore(seed))),
  );
  assertEquals(first, second);
  assert(first !== other);
});

Deno.test("a seeded core waits for nothing but promise jobs", async () => {
  const core = await createPromptCore("a");
  let isDone = false;
  const handshake = runHandshake(core).then(() => {
    isDone = true;
  });
  await nextTurn();
  assert(isDone);
  await handshake;
});

function attachScript(script: string): Promise<WorkerCryptoCore> {
  const url = `data:application/javascript,${encodeURIComponent(script)}`;
  return WorkerCryptoCore.attach(new Worker(url, { type: "module" }));
}

async function assertCoreFailed(work: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(work, CryptoError);
  assertEquals(error.code, "core_failed");
}

Deno.test("a Worker that dies takes every pending and later call with it", async () => {
  const core = await attachScript(
    "onmessage = () => { throw new Error('dies') }; postMessage('ready')",
  );
  const calls = [1, 2].map((length) => core.sha256(new Uint8Array(length)));
  await Promise.all(calls.map((call) => assertCoreFailed(() => call)));
  await assertCoreFailed(() => core.sha256(new Uint8Array(3)));
  await assertCoreFailed(() => core.stop());
});

Deno.test("a Worker that does not start is reported", async () => {
  await assertCoreFailed(() => attachScript("throw new Error('no')"));
});

Deno.test("stop() lets calls made before it finish", async () => {
  const core = await WorkerCryptoCore.start();
  const before = core.sha256(new Uint8Array(1));
  await core.stop();
  assertEquals((await before).length, 32);
  await assertCoreFailed(() => core.sha256(new Uint8Array(1)));
});

Deno.test("one large body sealed twice in a turn is not lost", async () => {
  const core = await WorkerCryptoCore.start();
  const world = await CoreWorld.create(core);
  const { a, b } = await world.halves();
  const { started, accepted } = await world.connect({ a: a.half, b: b.half });
  const body = new Uint8Array(100_000).fill(3);
  const options = { session: started.session, nowMs: 0, mayStep: false, header: '{"type":"a.b"}' };
  const frames = await Promise.all([
    core.seal({ ...options, body }),
    core.seal({ ...options, body }),
  ]);
  for (const { frame } of frames) {
    const opened = await core.open({ session: accepted.session, nowMs: 0, frame });
    assertEquals(opened.outcome === "opened" && opened.body, new Uint8Array(100_000).fill(3));
  }
  await core.stop();
});
