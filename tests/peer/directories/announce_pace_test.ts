import { assert, assertEquals } from "@std/assert";
import { AnnouncePace } from "../../../peer/directories/announce_pace.ts";
import { OpenRedError } from "../../../protocol/errors.ts";
import { SeededRandom } from "../../world/seeded_random.ts";

const away = new OpenRedError("unreachable", "Nobody is there");
const answer = { reannounce_after_ms: 1_800_000 };

Deno.test("AnnouncePace keeps to its part of the span for coming back, where all nodes may have failed", () => {
  const pace = new AnnouncePace(new SeededRandom("pace"));
  pace.taken({ ...answer, retry_within_ms: 600_000 });
  const pauses = Array.from({ length: 300 }, () => pace.failed(away));
  assert(pauses.every((pause) => pause >= 300_000 && pause <= 600_000));
  assert(Math.max(...pauses) - Math.min(...pauses) > 250_000, "they are spread");
  const retryAfterMs = 3_600_000;
  const busy = new OpenRedError("overloaded", "Not now", { retryAfterMs });
  assertEquals(pace.failed(busy), retryAfterMs);
});

Deno.test("AnnouncePace doubles its pauses where it was told nothing, or is refused for itself", () => {
  const told = new AnnouncePace(new SeededRandom("told"));
  told.taken({ ...answer, retry_within_ms: 600_000 });
  assert(told.failed(new OpenRedError("callback_failed", "Not there")) < 2_000);
  const untold = new AnnouncePace(new SeededRandom("untold"));
  untold.taken({ ...answer, retry_within_ms: 600_000 });
  untold.taken(answer);
  assert(untold.failed(away) < 2_000);
  const later = Array.from({ length: 20 }, () => untold.failed(away));
  assert(later.at(-1)! > 200_000 && later.at(-1)! <= 360_000);
});

Deno.test("AnnouncePace takes no span of a directory below a second or above a day", () => {
  const pace = new AnnouncePace(new SeededRandom("bounds"));
  assert(pace.taken({ reannounce_after_ms: 0, look_after_ms: 0, retry_within_ms: 1e15 }) >= 800);
  assert(pace.look() >= 800);
  assert(pace.failed(away) <= 86_400_000);
  assertEquals(pace.look(), Infinity, "who does not answer is not looked at");
  assert(pace.taken({ reannounce_after_ms: 1e15 }) <= 86_400_000);
});
