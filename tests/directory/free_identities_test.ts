import { assert, assertEquals, assertMatch } from "@std/assert";
import { flood } from "../../bench/flood/model.ts";

const LIMITS = { addressPerMinute: 1_200, hostPerMinute: 30, idsPerHost: 20, newIdsPerAddress: 10 };
const IDS = 400;
/** What was there before: a node. */
const FRIENDS = 1;

Deno.test("Free identities of one host take its places and no more", async () => {
  const { stored, isFriendServed, logged, metrics } = await flood({
    kind: "host",
    ids: IDS,
    limits: LIMITS,
  });
  assertEquals([stored, isFriendServed], [20 + FRIENDS, true]);
  assertMatch(metrics, /openred_registrations_total\{outcome="host_full"\} [1-9]/);
  assert(logged.includes("new_ids_refused"));
});

Deno.test("Free identities of one /64 take what a day gives it and no more", async () => {
  const { stored, refused, isFriendServed, logged, metrics } = await flood({
    kind: "address",
    ids: IDS,
    limits: LIMITS,
  });
  assertEquals([stored, isFriendServed], [10 + FRIENDS, true]);
  assertEquals(refused, new Map([["429 rate_limited", IDS - 10]]));
  assertMatch(metrics, new RegExp(`outcome="address_full"\\} ${IDS - 10}\n`));
  assert(logged.includes("new_ids_refused"));
});

Deno.test("Free identities from everywhere fill a directory, which goes on serving those it has", async () => {
  const { stored, refused, isFriendServed, logged, metrics } = await flood({
    kind: "nothing",
    ids: IDS,
    limits: { ...LIMITS, ids: 100 },
  });
  assertEquals([stored, isFriendServed], [100, true]);
  assertEquals(refused, new Map([["503 overloaded", IDS - 100 + FRIENDS]]));
  assertMatch(metrics, /openred_ids_stored 100\n/);
  assertMatch(metrics, new RegExp(`outcome="full"\\} ${IDS - 100 + FRIENDS}\n`));
  assert(logged.includes("ids_nearly_full") && logged.includes("new_ids_refused"));
});
