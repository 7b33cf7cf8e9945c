import { assert, assertEquals } from "@std/assert";
import { CRYPTO_WORKER_OPTIONS } from "../../crypto/worker_start.ts";
import { BULK_READY } from "../../crypto/bulk/bulk_messages.ts";
import { WORKER_READY } from "../../crypto/bridge/worker_messages.ts";

type Outcomes = Readonly<Record<string, string>>;

/** What the probe said first, and its outcomes. */
function runProbe(probe: string, port: number): Promise<[unknown, Outcomes]> {
  const url = new URL(`./${probe}?port=${port}`, import.meta.url);
  const worker = new Worker(url.href, CRYPTO_WORKER_OPTIONS);
  const said: unknown[] = [];
  return new Promise<[unknown, Outcomes]>((resolve, reject) => {
    worker.onmessage = (event) => {
      said.push(event.data);
      if (typeof event.data === "object") resolve([said[0], event.data]);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  }).finally(() => worker.terminate());
}

/** What the Worker's own guard says, and errors in which some runtimes hide a `NotCapable`. */
const WRAPPED: Outcomes = {
  // The module loader turns it into what import() rejects with.
  "dynamic import": "TypeError: Requires read access",
  "import of a package": "TypeError: Error: Nothing leaves",
  "import of a text": "TypeError: Error: Nothing leaves",
  "the Cache API": "ReferenceError: caches is not defined",
  "CacheStorage": "Error: Nothing leaves",
  "a Worker": "Error: Nothing leaves",
  "node:worker_threads": "Error: Nothing leaves",
  "a Worker with more permissions": "Error: Nothing leaves",
  // Deno 2.4's node:net calls every failure a refused connection, and here somebody listens.
  "node:net": "Error: connect ECONNREFUSED",
};

/** Has a probe try to get out. @returns What its Worker said when it began. */
async function tryToBreakOut(probe: string): Promise<unknown> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const accepting = (async () => {
    for await (const connection of listener) {
      connections++;
      connection.close();
    }
  })();
  const [first, outcomes] = await runProbe(probe, listener.addr.port);
  listener.close();
  await accepting;
  assertEquals(connections, 0);
  assertEquals(Object.keys(outcomes).length, 23);
  for (const [attempt, outcome] of Object.entries(outcomes)) {
    const wrapped = WRAPPED[attempt];
    const isRefused = outcome.startsWith("NotCapable:") ||
      wrapped !== undefined && outcome.startsWith(wrapped);
    assert(isRefused, `${attempt}: ${outcome}`);
  }
  return first;
}

Deno.test("the crypto worker gets at no network, file, environment, process, library or module", async () => {
  assertEquals(await tryToBreakOut("worker_probe.ts"), WORKER_READY);
});

Deno.test("nor does the Worker that has the content of files", async () => {
  assertEquals(await tryToBreakOut("bulk_worker_probe.ts"), BULK_READY);
});
