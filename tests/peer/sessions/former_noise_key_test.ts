import { assertEquals } from "@std/assert";
import { NODE_DEFAULTS } from "../../../protocol/node_settings.ts";
import { OwnRecord } from "../../../peer/own/own_record.ts";
import { Responder } from "../../../peer/sessions/responder.ts";
import { ValidationCache } from "../../../peer/tokens/validation_cache.ts";
import { HOUR_MS, MINUTE_MS } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";
import { LIFE_MS, ResponderWorld } from "./responder_world.ts";

/** The node of a world after it has changed its noise key. */
async function changed(world: ResponderWorld): Promise<Responder> {
  const { parts, own } = world;
  const newer = await TestNodeKeys.create(parts.crypto);
  const config = { version: "test", apiUrl: "https://node.example", adminToken: "token" };
  const ownRecord = new OwnRecord(parts, { ...NODE_DEFAULTS, ...config, pq: "off" }, {
    identity: own.keys.identity,
    noiseKey: newer.noisePublic,
  });
  return new Responder({
    ...world,
    ...parts,
    ownRecord,
    validations: new ValidationCache(),
    noiseKeys: [...newer.keys.noiseKeys, ...own.keys.noiseKeys],
    own: { id: own.id, rotation: { kind: "hourly" }, sessionLifeMs: LIFE_MS },
  });
}

Deno.test("Responder takes a former noise key until the last record that named it has expired", async () => {
  using world = await ResponderWorld.create();
  await world.ownRecord.current();
  const responder = await changed(world);
  world.parts.clock.skip(24 * HOUR_MS);
  const halves = [await world.pair(), await world.pair()] as const;
  world.parts.clock.skip(2 * MINUTE_MS);
  const { request } = await world.message(halves[0]);
  assertEquals((await responder.answer(request)).session_established, true);
  world.parts.clock.skip(1);
  const late = await world.message(halves[1]);
  assertEquals(await world.refusal(responder, late.request), "The message does not open");
});
