/**
 * Starts and ends modules, and prints how many threads and descriptors the process had after the first round and after
 * the last one.
 *
 * @module
 */
import { endOf, startModule } from "./world.ts";

const count = (name: string) => [...Deno.readDirSync(`/proc/self/${name}`)].length;

async function runRound(): Promise<void> {
  const loops = startModule("port.post(new Uint8Array(1)); await null; for (;;);");
  await loops.next();
  await loops.worker.terminate();
  await endOf("throw 1");
  await endOf("for (;;) port.post(new Uint8Array(1))");
  await startModule("").worker.terminate();
  const echo = startModule("port.listen((bytes) => port.post(bytes))");
  echo.worker.post(new Uint8Array(1));
  await echo.next();
  await echo.worker.terminate();
}

/** The system needs a moment of real time to take away a thread that was ended. */
async function measure() {
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  return { threads: count("task"), descriptors: count("fd") };
}

await runRound();
const first = await measure();
for (let round = 0; round < 4; round++) await runRound();
console.log(JSON.stringify({ first, last: await measure() }));
