import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { REPLAY_WINDOW_WIDTH, ReplayWindow } from "../../../crypto/session/replay_window.ts";

/** The same by the definition: a set of everything accepted. */
class ModelWindow {
  readonly #seen = new Set<number>();
  #top = -1;

  place(counter: number): string {
    if (counter <= this.#top - REPLAY_WINDOW_WIDTH) return "below";
    return this.#seen.has(counter) ? "seen" : "new";
  }

  accept(counter: number): void {
    this.#seen.add(counter);
    this.#top = Math.max(this.#top, counter);
  }
}

Deno.test("ReplayWindow places every counter as a set of all counters would", () => {
  const jumps = fc.oneof(
    fc.integer({ min: -1100, max: 40 }),
    fc.integer({ min: 1000, max: 1050 }),
    fc.integer({ min: 0, max: 5000 }),
  );
  fc.assert(
    fc.property(fc.array(jumps, { minLength: 1, maxLength: 300 }), (sequence) => {
      const window = new ReplayWindow();
      const model = new ModelWindow();
      let top = 0;
      for (const jump of sequence) {
        const counter = Math.max(0, top + jump);
        const place = window.place(counter);
        assertEquals(place, model.place(counter));
        if (place !== "new") continue;
        window.accept(counter);
        model.accept(counter);
        top = Math.max(top, counter);
      }
    }),
  );
});

Deno.test("ReplayWindow.place() moves nothing", () => {
  const window = new ReplayWindow();
  window.accept(5);
  assertEquals(window.place(1_000_000), "new");
  assertEquals(window.place(4), "new");
  assertEquals(window.place(5), "seen");
});

Deno.test("ReplayWindow spans exactly 1,024 counters", () => {
  const window = new ReplayWindow();
  window.accept(1023);
  assertEquals(window.place(0), "new");
  window.accept(1024);
  assertEquals(window.place(0), "below");
  assertEquals(window.place(1), "new");
});

Deno.test("ReplayWindow forgets what it moved past, also where it wraps around", () => {
  const window = new ReplayWindow();
  for (const counter of [5, 1000, 2000]) window.accept(counter);
  assertEquals(window.place(5 + REPLAY_WINDOW_WIDTH), "new");
  assertEquals(window.place(1000), "seen");
});
