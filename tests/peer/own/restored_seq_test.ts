import { assert, assertEquals } from "@std/assert";
import { markRestored } from "../../../peer/own/restored_mark.ts";
import { NODE_DEFAULTS } from "../../../protocol/node_settings.ts";
import { OwnRecord } from "../../../peer/own/own_record.ts";
import { SeededRandom } from "../../world/seeded_random.ts";
import { HOUR_MS, MINUTE_MS, START_MS, TestParts } from "../parts.ts";
import { TestNodeKeys } from "../test_node_keys.ts";

/** The first `seq` of a life that begins with a backup's data. */
async function firstSeq(
  { numbers, seed, behindMs }: { numbers: Record<string, number>; seed: string; behindMs: number },
): Promise<number> {
  using parts = await TestParts.create();
  const keys = await TestNodeKeys.create(parts.crypto);
  await parts.store.setSelf("node_id", keys.id);
  for (const [name, seq] of Object.entries(numbers)) await parts.store.setSelf(name, String(seq));
  await markRestored(parts.store, { nowMs: START_MS, random: new SeededRandom(seed) });
  parts.reopen();
  parts.clock.offsetMs -= behindMs;
  const config = { version: "test", apiUrl: "https://node.example", adminToken: "token" };
  const own = new OwnRecord(parts, { ...NODE_DEFAULTS, ...config }, {
    identity: keys.keys.identity,
    noiseKey: keys.noisePublic,
  });
  return (await own.current()).payload.seq;
}

for (const name of ["taken_seq", "shown_seq"]) {
  Deno.test(`a restored node whose clock is behind leaps over its ${name} by a random number`, async () => {
    const taken = START_MS;
    const seqs: number[] = [];
    for (const seed of ["one", "two", "three"]) {
      // Of what was shown only what is not ahead of the clock counts.
      const behindMs = name === "taken_seq" ? 24 * HOUR_MS : 100;
      seqs.push(await firstSeq({ numbers: { [name]: taken }, seed, behindMs }));
    }
    assertEquals(new Set(seqs).size, 3);
    for (const seq of seqs) assert(seq > taken + 1 && seq <= taken + MINUTE_MS + 1, `${seq}`);
  });
}

Deno.test("a restored node whose clock is right signs its time, and makes no numbers up", async () => {
  const seq = (numbers: Record<string, number>) => firstSeq({ numbers, seed: "one", behindMs: 0 });
  assertEquals(await seq({ taken_seq: START_MS - HOUR_MS }), START_MS);
  assertEquals(await seq({}), START_MS);
});
