import { assertEquals } from "@std/assert";
import { pause } from "../../ports/sleep.ts";

/** A signal that says how many listen to it, and a clock that says how many timers run. */
function world() {
  const controller = new AbortController();
  const { signal } = controller;
  const counts = { listeners: 0, timers: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    counts.listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    counts.listeners -= 1;
    remove(...args);
  };
  let fire = () => {};
  const clock = {
    nowMs: () => 0,
    setTimer(_: number, callback: () => void) {
      counts.timers += 1;
      fire = callback;
      return () => counts.timers -= 1;
    },
  };
  return { controller, signal, clock, counts, fire: () => fire() };
}

Deno.test("pause() leaves nothing that listens, however often something is looked at", async () => {
  const { signal, clock, counts, fire } = world();
  for (let times = 0; times < 100; times++) {
    const paused = pause(clock, 2_000, signal);
    assertEquals(counts.listeners, 1);
    fire();
    await paused;
  }
  assertEquals(counts.listeners, 0);
});

Deno.test("pause() ends with the signal, also with one that has fired", async () => {
  const { controller, signal, clock, counts } = world();
  const paused = pause(clock, 2_000, signal);
  controller.abort();
  await paused;
  await pause(clock, 2_000, signal);
  assertEquals(counts, { listeners: 0, timers: 0 });
});
