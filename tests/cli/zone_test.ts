import { assertEquals, assertStringIncludes } from "@std/assert";
import { instantOf, showInstant, UTC, withInstants, type Zone } from "../../cli/zone.ts";
import { runInProcess } from "./command_line.ts";
import { startFakeAdmin } from "./fake_admin.ts";

const SUMMER_MS = Date.UTC(2026, 6, 1);
/** One hour ahead of UTC, in summer two. */
const SWITCHING: Zone = (atMs) => atMs < SUMMER_MS ? 60 : 120;
const AT_MS = Date.UTC(2026, 11, 31, 22, 58, 59);
const ENTRY = { number: 1, timestamp: AT_MS, event: "started", node_id: null, success: true };

Deno.test("showInstant() shows a person's own time, UTC with Z, and what no calendar has as a number", () => {
  assertEquals(showInstant(AT_MS, () => 330), "2027-01-01 04:28:59");
  assertEquals(showInstant(AT_MS, () => -480), "2026-12-31 14:58:59");
  assertEquals(showInstant(AT_MS, UTC), "2026-12-31 22:58:59Z");
  assertEquals(showInstant(1e300, () => 60), "1e+300");
  assertEquals(showInstant(8.64e15, () => 60), "8640000000000000");
});

Deno.test("instantOf() undoes what is shown, before and after clocks are set", () => {
  for (const atMs of [SUMMER_MS - 3_600_001, SUMMER_MS - 1, SUMMER_MS, SUMMER_MS + 7_200_000]) {
    const shown = Date.parse(`${showInstant(atMs, SWITCHING).replace(" ", "T")}Z`);
    assertEquals(instantOf(shown, SWITCHING), atMs - atMs % 1000);
  }
});

Deno.test("withInstants() finds instants by their names, however deep, and nothing else", () => {
  const at = "2026-12-31T22:58:59.000Z";
  assertEquals(
    withInstants({
      sent_at: AT_MS,
      peers: [{ last_error: { since: AT_MS }, blocked_since: null, format: AT_MS }],
      timestamp: AT_MS,
      valid_until: AT_MS,
      at: "text",
      made_at: 1e300,
    }),
    {
      sent_at: at,
      peers: [{ last_error: { since: at }, blocked_since: null, format: AT_MS }],
      timestamp: at,
      valid_until: at,
      at: "text",
      made_at: 1e300,
    },
  );
});

Deno.test("tables show and options read a person's own time, --utc the other, JSON has the zone", async () => {
  await using admin = startFakeAdmin(() => ({
    json: { entries: [ENTRY], cursor: 1, unreadable: 0 },
  }));
  const show = async (...more: string[]) => {
    const args = ["audit", "show", "--since", "2026-12-31T23:00", ...more];
    const { out } = await runInProcess(args, { ...admin, aheadMin: 60 });
    const { path } = admin.seen.at(-1)!;
    return { out, since: Number(new URL(path, "http://x").searchParams.get("since")) };
  };
  const own = await show();
  assertStringIncludes(own.out, "2026-12-31 23:58:59  started");
  assertEquals(own.since, Date.UTC(2026, 11, 31, 22));
  const utc = await show("--utc");
  assertStringIncludes(utc.out, "2026-12-31 22:58:59Z  started");
  assertEquals(utc.since, Date.UTC(2026, 11, 31, 23));
  assertStringIncludes((await show("--json")).out, `"timestamp":"2026-12-31T22:58:59.000Z"`);
});
