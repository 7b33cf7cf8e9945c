import { assertEquals } from "@std/assert";
import { redatedSet } from "../../../peer/sessions/standby.ts";
import { HOUR_MS, MINUTE_MS, START_MS } from "../parts.ts";
import { SessionWorld } from "./session_world.ts";

const DAY_MS = 24 * HOUR_MS;

Deno.test("redatedSet() counts a set's times back from a clock that was set right", async () => {
  const world = await SessionWorld.create();
  using _ = world;
  const { clock } = world.parts;
  clock.offsetMs -= 40 * DAY_MS;
  const { own } = await world.session({ confirmed: false });
  const [stored] = await world.standby(own.id, {
    standby: { sessionId: own.id, role: "initiator", confirmedAt: null },
  });
  await world.standby("another session's");
  clock.skip(MINUTE_MS);
  clock.offsetMs += 40 * DAY_MS;
  const parts = { vault: world.vault, clock };
  const endsAt = START_MS + 30 * DAY_MS;
  assertEquals(redatedSet(parts, own), [{ ...stored!, endsAt }], "not confirmed stays so");
  world.confirm(own);
  clock.skip(MINUTE_MS);
  const standby = { ...stored!.standby!, confirmedAt: clock.nowMs() };
  await world.vault.commit({ put: [{ ...stored!, standby }] });
  const confirmedAt = START_MS + MINUTE_MS;
  assertEquals(redatedSet(parts, own), [{
    ...stored!,
    endsAt,
    standby: { ...standby, confirmedAt },
  }]);
});
