import { assert, assertEquals } from "@std/assert";
import type { Session } from "../../../peer/sessions/session.ts";
import { isRenewalDue, standbyEntries } from "../../../peer/sessions/standby.ts";
import { HOUR_MS, START_MS } from "../parts.ts";
import { VaultWorld } from "../tokens/vault_world.ts";

const DAY_MS = 24 * HOUR_MS;

Deno.test("isRenewalDue() is so one to three days before the last standby pair ends, not after", async () => {
  using world = await VaultWorld.create();
  const standby = { sessionId: "ab", role: "initiator", confirmedAt: START_MS } as const;
  const endsAt = START_MS + 30 * DAY_MS;
  await world.vault.commit({ put: [await world.entry({ standby, endsAt })] });
  const isDue = (nowMs: number) => isRenewalDue(world.vault, { peer: world.peer.id, nowMs });
  assert(!isDue(endsAt - 3 * DAY_MS - 1));
  assert(isDue(endsAt - DAY_MS));
  assert(isDue(endsAt - 1));
  assert(!isDue(endsAt));
  await world.vault.commit({ put: [await world.entry({ standby, endsAt: endsAt + 9 * DAY_MS })] });
  assert(!isDue(endsAt - 1), "a later set is there");
});

Deno.test("isRenewalDue() spreads pairs of one moment over two days", async () => {
  using world = await VaultWorld.create();
  const standby = { sessionId: "ab", role: "initiator", confirmedAt: START_MS } as const;
  const endsAt = START_MS + 30 * DAY_MS;
  const halfway = endsAt - 2 * DAY_MS;
  let due = 0;
  for (let round = 0; round < 64; round++) {
    const entry = await world.entry({ standby, endsAt });
    await world.vault.commit({ put: [entry] });
    if (isRenewalDue(world.vault, { peer: world.peer.id, nowMs: halfway })) due++;
    await world.vault.commit({ drop: [entry.pairId] });
  }
  assert(due > 12 && due < 52, `${due} of 64 are due halfway`);
});

Deno.test("standbyEntries() counts the 30 days from now, whatever the other end's clock says", async () => {
  using world = await VaultWorld.create();
  const { half, info } = await world.entry();
  const session = { id: "ab", peer: world.peer.id, role: "responder" } as Session;
  const nowMs = info.expiresAt + DAY_MS;
  const [entry] = standbyEntries([{ half: half!, info }], session, nowMs);
  assertEquals(entry?.endsAt, nowMs + 30 * DAY_MS);
});
