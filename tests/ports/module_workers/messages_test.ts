import { assert, assertEquals, assertThrows } from "@std/assert";
import { MAX_MODULE_MESSAGE_BYTES } from "../../../ports/module_workers.ts";
import { startModule } from "./world.ts";

const ECHO = "port.listen((bytes) => port.post(bytes));";
const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("messages arrive in order, those posted before the file has run included", async () => {
  const { worker, next } = startModule(ECHO);
  worker.post(encode("early"));
  assert(await worker.ready);
  for (let n = 0; n < 200; n++) worker.post(encode(`${n}`));
  assertEquals(await next(), "early");
  for (let n = 0; n < 200; n++) assertEquals(await next(), `${n}`);
  await worker.terminate();
});

Deno.test("post() takes the bytes along, but not what lies around them", async () => {
  const { worker, next } = startModule(ECHO);
  const whole = encode("whole");
  worker.post(whole);
  assertEquals(whole.length, 0);
  const around = encode("around");
  worker.post(around.subarray(1, 4));
  assertEquals(new TextDecoder().decode(around), "around");
  assertEquals([await next(), await next()], ["whole", "rou"]);
  await worker.terminate();
});

Deno.test("the longest message passes both ways, a longer one is refused", async () => {
  const { worker, next } = startModule(ECHO);
  worker.post(new Uint8Array(MAX_MODULE_MESSAGE_BYTES).fill(65));
  assertEquals((await next()).length, MAX_MODULE_MESSAGE_BYTES);
  assertThrows(() => worker.post(new Uint8Array(MAX_MODULE_MESSAGE_BYTES + 1)), RangeError);
  await worker.terminate();
});

Deno.test("a burst waits until it is taken", async () => {
  const { worker, next } = startModule(
    "for (let n = 0; n < 1000; n++) port.post(new TextEncoder().encode(String(n)));",
  );
  for (let n = 0; n < 1000; n++) assertEquals(await next(), `${n}`);
  await worker.terminate();
});

/** Milliseconds until 100 messages have come that cost 3 ms each. */
async function spanOf(isUnasked: boolean): Promise<number> {
  const { worker, next } = startModule(
    "for (let n = 0; n < 100; n++) port.post(new Uint8Array(1));",
    {
      take: () => {
        const endMs = performance.now() + 3;
        while (performance.now() < endMs);
        return isUnasked;
      },
    },
  );
  await next();
  const startMs = performance.now();
  for (let n = 1; n < 100; n++) await next();
  const spanMs = performance.now() - startMs;
  await worker.terminate();
  return spanMs;
}

Deno.test("messages that cost much come slowly, unless this thread has asked for them", async () => {
  // Two thirds of them come once so many before them were taken, each after eight times its cost.
  const [own, asked] = [await spanOf(true), await spanOf(false)];
  assert(own >= 1_200, `${own} ms`);
  assert(asked < own, `${asked} ms of ${own} ms`);
});

Deno.test("nothing is handed over after terminate()", async () => {
  const { worker, messages, next } = startModule(
    "const go = () => { port.post(new Uint8Array(1)); setTimeout(go, 0) }; go();",
  );
  await next();
  const end = worker.terminate();
  const count = messages.length;
  worker.post(encode("late"));
  assertEquals((await end).why, "stopped");
  assertEquals(messages.length, count);
  assertEquals(await worker.terminate(), await end);
});

Deno.test("a thread tells what it holds", async () => {
  const { worker, next } = startModule(`
    globalThis.kept = new Uint8Array(64 * 2 ** 20).fill(1);
    const go = () => { port.post(new Uint8Array(1)); setTimeout(go, 50) };
    go();
  `);
  while (worker.usage().memoryBytes < 64 * 2 ** 20) await next();
  assert(worker.usage().silentMs < 30_000);
  await worker.terminate();
});

Deno.test("what is in a message cannot be changed after it was posted", async () => {
  const { worker, next } = startModule(`
    const bytes = new TextEncoder().encode("first");
    port.post(bytes);
    bytes.fill(65);
    port.post(bytes);
  `);
  assertEquals([await next(), await next()], ["first", "AAAAA"]);
  await worker.terminate();
});
