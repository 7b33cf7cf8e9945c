import { assertEquals } from "@std/assert";
import { Silence } from "../../ports/silence.ts";

const HALF_MS = 15_000;

Deno.test("Silence finds nobody gone who was not asked, whenever the last word came", () => {
  for (let heardMs = 0; heardMs < HALF_MS; heardMs += 100) {
    const silence = new Silence({ maxMs: 2 * HALF_MS, nowMs: 0 });
    silence.heard(heardMs);
    let asked = 0;
    for (let nowMs = HALF_MS; nowMs < 20 * HALF_MS; nowMs += HALF_MS) {
      const judged = silence.look(nowMs);
      assertEquals(judged === "gone", false, `heard at ${heardMs}, gone at ${nowMs}`);
      if (judged !== "ask") continue;
      asked += 1;
      silence.heard(nowMs + 1);
    }
    assertEquals(asked > 15, true);
  }
});

Deno.test("Silence asks once a look and finds gone who answers nothing", () => {
  for (const heardMs of [0, 1_000, 2_000, 5_000, 14_999]) {
    const silence = new Silence({ maxMs: 2 * HALF_MS, nowMs: heardMs });
    const judged = [1, 2, 3].map((look) => silence.look(look * HALF_MS));
    assertEquals(judged.includes("gone"), true, `${judged} after ${heardMs}`);
    assertEquals(judged[judged.indexOf("gone") - 1], "ask");
  }
});

Deno.test("Silence asks again after a timer that came late, as after a sleep of the machine", () => {
  const silence = new Silence({ maxMs: 2 * HALF_MS, nowMs: 0 });
  assertEquals(silence.look(3_600_000), "ask");
  silence.heard(3_600_010);
  assertEquals(silence.look(3_600_000 + HALF_MS), "ask");
});
