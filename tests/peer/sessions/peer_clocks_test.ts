import { assertEquals } from "@std/assert";
import type { NodeId } from "../../../crypto/encoding.ts";
import { NodeEvents } from "../../../peer/events/events.ts";
import {
  aheadOf,
  clockForPeers,
  PeerClocks,
  settleClock,
} from "../../../peer/sessions/peer_clocks.ts";
import { ManualClock } from "../../world/manual_clock.ts";
import { MemoryLog } from "../../world/memory_log.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = 1_790_000_007_777;
const BOB = "bob" as NodeId;

Deno.test("clockForPeers() tells no more of a clock than whole ten seconds", () => {
  assertEquals([clockForPeers(NOW_MS), clockForPeers(1_790_000_000_000)], [
    1_790_000_000_000,
    1_790_000_000_000,
  ]);
});

Deno.test("aheadOf() takes no delay of a hello for a difference of clocks", () => {
  const now = { at: clockForPeers(NOW_MS), ageMs: 0 };
  assertEquals(aheadOf(now, NOW_MS), 0);
  const late = { ...now, ageMs: HOUR_MS };
  assertEquals(aheadOf(late, NOW_MS + HOUR_MS), 0);
  assertEquals(aheadOf(late, NOW_MS + 3 * HOUR_MS), 2 * HOUR_MS - 2_223);
  assertEquals(aheadOf({ ...now, ageMs: 50 }, NOW_MS - HOUR_MS), 7_777 - HOUR_MS);
});

Deno.test("PeerClocks warns of a peer that somebody decided about, until the clocks agree", () => {
  const log = new MemoryLog();
  const events = new NodeEvents(log);
  const decided = new Set<string>();
  const decisions = { isDecided: (peer: NodeId) => decided.has(peer) };
  const clocks = new PeerClocks({ clock: new ManualClock(NOW_MS), events, decisions });
  const session = { peer: BOB, ageMs: 1_000 };
  clocks.compare(session, NOW_MS - HOUR_MS);
  assertEquals(events.warnings(), [], "strangers may say what they like");
  decided.add(BOB);
  clocks.compare(session, NOW_MS - 130_000);
  assertEquals(events.warnings(), [], "as much as the life of records allows, with the delay");
  clocks.compare(session, NOW_MS + HOUR_MS);
  clocks.compare(session, NOW_MS + HOUR_MS);
  const text = "This machine's clock and that of bob differ by 3600 s, this one is behind; " +
    "set the one that is wrong";
  assertEquals(events.warnings(), [text]);
  assertEquals(log.entries.map(({ event, fields }) => [event, fields.peer]), [["peer_clock", BOB]]);
  clocks.compare(session, NOW_MS);
  assertEquals(events.warnings(), []);
  clocks.compare(session, NOW_MS + HOUR_MS);
  settleClock(events, BOB);
  assertEquals(events.warnings(), []);
});
