import { assert } from "@std/assert";
import { WorkerCryptoCore } from "../../crypto/client.ts";
import { repeated } from "../vectors/read_vectors.ts";

const MEBIBYTE = 2 ** 20;
const CHEAP_COST = { memoryKiB: 8, passes: 1 };
const LARGE_COST = { memoryKiB: 2 ** 17, passes: 1 };
/** What the process may keep of the 128 MiB. */
const KEPT_BYTES = 64 * MEBIBYTE;
/** Real processes have the real clock. */
const MAX_WAITS = 200;

Deno.test("the crypto worker gives the memory of Argon2id back, though it does nothing afterwards", async () => {
  const core = await WorkerCryptoCore.start();
  // The code of Argon2id stays.
  await core.createKeystore({ secret: repeated(1), cost: CHEAP_COST });
  const before = Deno.memoryUsage().rss;
  const isKept = () => Deno.memoryUsage().rss - before > KEPT_BYTES;
  await core.createKeystore({ secret: repeated(1), cost: LARGE_COST });
  for (let wait = 0; wait < MAX_WAITS && isKept(); wait++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert(!isKept());
  await core.stop();
});
