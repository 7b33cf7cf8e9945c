import { assertEquals, assertRejects } from "@std/assert";
import { CryptoError } from "../../crypto/interface.ts";
import { ProcessError } from "../../process/process_error.ts";
import { ServiceEnd } from "../../process/service_end.ts";

function createEnd() {
  const lines: string[] = [];
  const log = { log: (_level: string, event: string) => void lines.push(event) };
  return { end: new ServiceEnd(log), lines };
}

Deno.test("ServiceEnd.wait() resolves when somebody asks for the end", async () => {
  const { end } = createEnd();
  const stop = new AbortController();
  const waiting = end.wait(stop.signal);
  stop.abort();
  await waiting;
  await end.wait(stop.signal);
  assertEquals(end.isFailed, false);
});

Deno.test("ServiceEnd.wait() fails with the first thing that was needed and is gone", async () => {
  const { end, lines } = createEnd();
  const { signal } = new AbortController();
  end.needs(Promise.resolve(), "Nobody can connect");
  end.needsCore(Promise.resolve(new CryptoError("core_failed", "The crypto worker failed")));
  const error = await assertRejects(() => end.wait(signal), ProcessError);
  assertEquals(error.message, "The crypto core has ended: The crypto worker failed");
  assertEquals(error.exitCode, 1);
  end.fail("Nobody can connect", new Error("x"));
  assertEquals(lines, ["ending"]);
  const never = Promise.withResolvers<void>();
  await assertRejects(() => end.unlessFailed(never.promise), ProcessError);
});
